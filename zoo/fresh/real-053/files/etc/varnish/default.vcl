vcl 4.1;

backend default {
    .host = "127.0.0.1";
    .port = "@@c@@";
}

sub vcl_recv {
    if (req.url ~ "^/purge") {
        return (synth(403, "no"));
    }
}
