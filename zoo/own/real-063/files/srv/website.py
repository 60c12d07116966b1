from django.conf import settings

settings.configure(DEBUG=True, SECRET_KEY="x", ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, INSTALLED_APPS=[], DATABASES={},
                   MIDDLEWARE=["django.middleware.common.CommonMiddleware", "django.middleware.csrf.CsrfViewMiddleware"])
import django  # noqa: E402

django.setup()
from django.core.exceptions import PermissionDenied  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.http import HttpResponse  # noqa: E402
from django.urls import path  # noqa: E402


def save(request):
    return HttpResponse("saved")


def staff(request):
    raise PermissionDenied


urlpatterns = [path("save", save), path("staff/", staff)]
app = get_wsgi_application()
