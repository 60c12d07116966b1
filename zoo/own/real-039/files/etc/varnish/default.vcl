vcl 4.1;
backend default {
    .host = "127.0.0.1";
    .port = "@@b@@";
}

acl purgers {
    "10.0.0.0"/8;
    "192.168.4.20";
}

sub vcl_recv {
    if (req.method == "PURGE") {
        if (client.ip !~ purgers) {
            return (synth(403, "Not allowed."));
        }
        return (purge);
    }
}
