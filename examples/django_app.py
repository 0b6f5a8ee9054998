"""A Django project in one file that only people who are signed in may use.

Start the server with `make serve`, then: pip install django . && python examples/django_app.py
"""

import os
import secrets

import django
from django.conf import settings
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

PUBLIC = os.environ.get("PUBLIC_URL", "http://127.0.0.1:4433")

settings.configure(
    DEBUG=True,
    SECRET_KEY=secrets.token_hex(32),
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ.get("DATABASE", "example.db")}},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"],
    MIDDLEWARE=["nightlatch.client.django.WhoMiddleware"],
    AUTHENTICATION_BACKENDS=["nightlatch.client.django.IdentityBackend"],
    NIGHTLATCH={"url": PUBLIC},
)
django.setup()


def home(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("Anybody may read this.")


def mine(request: HttpRequest) -> HttpResponse:
    if not request.user.is_authenticated:
        return HttpResponse(status=401)
    person = request.who
    return JsonResponse(
        {"id": request.user.get_username(), "email": person.traits["email"], "session": str(person.session_id)}
    )


urlpatterns = [path("", home), path("mine", mine)]

if __name__ == "__main__":
    call_command("migrate", verbosity=0)
    call_command("runserver", os.environ.get("PORT", "8000"), use_reloader=False, skip_checks=True)
