import sys

import tornado.ioloop
import tornado.web


class Form(tornado.web.RequestHandler):
    def get(self):
        self.write(f"<form method=post>{self.xsrf_form_html()}<input name=text></form>")

    def post(self):
        self.write("thanks")


application = tornado.web.Application([("/feedback", Form)], xsrf_cookies=True)
application.listen(int(sys.argv[1]), "127.0.0.1")
tornado.ioloop.IOLoop.current().start()
