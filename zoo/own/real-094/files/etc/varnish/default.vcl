vcl 4.1;

backend site {
    .host = "127.0.0.1";
    .port = "@@b@@";
}

sub vcl_backend_response {
    set beresp.ttl = 10m;
}
