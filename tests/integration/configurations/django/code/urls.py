from django.http import HttpResponse
from django.urls import path

TEXT = "one"

urlpatterns = [path("", lambda request: HttpResponse(TEXT))]
