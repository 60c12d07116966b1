vcl 4.1;

backend default {
    .host = "127.0.0.1";
    .port = "@@b@@";
}

sub vcl_recv {
    if (req.http.User-Agent ~ "(?i)(bytespider|claudebot|gptbot)") {
        return (synth(403, "Crawlers are not welcome"));
    }
}
