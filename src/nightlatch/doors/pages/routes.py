"""The routes of the pages."""

from nightlatch.doors.http.routing import Route
from nightlatch.doors.pages import assets, errors, flows, settings
from nightlatch.doors.pages.parts import Parts

_Route = Route[Parts]

PUBLIC = (
    _Route("GET", "/ui/login", flows.show),
    _Route("GET", "/ui/registration", flows.show),
    _Route("GET", "/ui/recovery", flows.show),
    _Route("GET", "/ui/verification", flows.show),
    _Route("GET", "/ui/settings", settings.show),
    _Route("POST", "/ui/settings/sessions", settings.end),
    _Route("GET", "/ui/error", errors.show),
    _Route("GET", assets.STYLE, assets.get_style),
    _Route("GET", assets.LOGO, assets.get_logo),
)
