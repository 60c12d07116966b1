import sys

from aiohttp import web

app = web.Application()
app.router.add_static("/files", "srv/files")
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None)
