import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Authorizer(BaseHTTPRequestHandler):
    server_version = "sso/1.9"
    sys_version = ""

    def do_GET(self):
        allowed = "session=ok" in (self.headers.get("Cookie") or "")
        body = b"" if allowed else b'{"error":"policy","message":"Your team may not open this application"}'
        self.send_response(200 if allowed else 403)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_HEAD = do_GET

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Authorizer).serve_forever()
