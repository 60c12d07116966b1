vcl 4.1;

backend default {
    .host = "127.0.0.1";
    .port = "@@b@@";
}
acl staff {
    "10.0.0.0"/8;
}

sub vcl_recv {
    if (req.url ~ "^/staff" && client.ip !~ staff) {
        return (synth(753));
    }
}

sub vcl_synth {
    if (resp.status == 753) {
        set resp.status = 403;
        set resp.reason = "Staff only";
        set resp.http.Content-Type = "text/html";
        synthetic("<h1>Staff only</h1>");
        return (deliver);
    }
}
