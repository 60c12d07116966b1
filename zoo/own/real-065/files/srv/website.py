from django.conf import settings

settings.configure(DEBUG=False, SECRET_KEY="x", ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, INSTALLED_APPS=["rest_framework"], DATABASES={},
                   REST_FRAMEWORK={"DEFAULT_AUTHENTICATION_CLASSES": [], "UNAUTHENTICATED_USER": None})
import django  # noqa: E402

django.setup()
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.urls import path  # noqa: E402
from rest_framework import permissions  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402


class IsOwner(permissions.BasePermission):
    message = "You do not have permission to perform this action."

    def has_object_permission(self, request, view, thing):
        return thing in (17, 21)


class Thing(APIView):
    permission_classes = [IsOwner]

    def get(self, request, number):
        if request.headers.get("Authorization") != "Token kim":
            return Response({"detail": "Authentication credentials were not provided."}, 401, headers={"WWW-Authenticate": "Token"})
        self.check_object_permissions(request, number)
        return Response({"id": number})


urlpatterns = [path("api/things/<int:number>/", Thing.as_view())]
app = get_wsgi_application()
