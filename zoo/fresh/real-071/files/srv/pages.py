import django
from django.conf import settings

settings.configure(
    DEBUG=False, SECRET_KEY="k", ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"],
    MIDDLEWARE=["django.middleware.csrf.CsrfViewMiddleware"],
)
django.setup()

from django.core.exceptions import PermissionDenied
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse, JsonResponse
from django.urls import re_path


def page(request, path):
    if path.startswith("reports") and request.COOKIES.get("role") != "auditor":
        raise PermissionDenied
    return HttpResponse("<h1>Page</h1>")


urlpatterns = [re_path(r"^(.*)$", page)]

app = get_wsgi_application()
