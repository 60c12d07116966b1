import django
from django.conf import settings

settings.configure(
    SECRET_KEY="k", ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], INSTALLED_APPS=["rest_framework"],
    REST_FRAMEWORK={"UNAUTHENTICATED_USER": None, "DEFAULT_AUTHENTICATION_CLASSES": [], "DEFAULT_THROTTLE_RATES": {"anon": "1/day"}},
)
django.setup()

from django.core.wsgi import get_wsgi_application
from django.urls import path
from rest_framework.response import Response
from rest_framework.throttling import AnonRateThrottle
from rest_framework.views import APIView


class Rates(APIView):
    throttle_classes = [AnonRateThrottle]

    def get(self, request):
        return Response([1])


urlpatterns = [path("rates", Rates.as_view())]
app = get_wsgi_application()
