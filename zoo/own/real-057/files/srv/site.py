import sys

from aiohttp import web

ROLES = {"Bearer t-dana": "editor", "Bearer t-lee": "admin"}


@web.middleware
async def authorize(request, handler):
    role = ROLES.get(request.headers.get("Authorization", ""))
    if role is None:
        raise web.HTTPUnauthorized(headers={"WWW-Authenticate": "Bearer"})
    if request.path.startswith("/admin") and role != "admin":
        raise web.HTTPForbidden()
    return await handler(request)


async def page(request):
    return web.json_response({"path": request.path})


application = web.Application(middlewares=[authorize])
application.router.add_get("/{tail:.*}", page)
web.run_app(application, host="127.0.0.1", port=int(sys.argv[1]), print=None)
