"""An app of scripts alone, on another port, in Chromium: CORS as a browser does it."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Browser as Chromium
from tests.development import Development
from tests.doors.pages.chromium import PASSWORD, Window

APP = """<!doctype html><title>An app</title><output></output><script>
const said = text => { document.querySelector("output").textContent = text };
async function ask(path, sent) {
  const answer = await fetch(`SITE${path}`, {
    method: sent ? "POST" : "GET", credentials: "include", body: sent && JSON.stringify(sent),
    headers: {"accept": "application/json", ...(sent && {"content-type": "application/json"})},
  });
  return [answer.status, await answer.json()];
}
const token = flow => flow.ui.nodes.find(node => node.attributes.name === "csrf_token").attributes.value;
async function begin(act, fields) {
  const [, flow] = await ask(`/self-service/${act}/browser`);
  return await ask(`/self-service/${act}?flow=${flow.id}`, {...fields, csrf_token: token(flow), method: "password"});
}
async function run(email, password) {
  const [registered] = await begin("registration", {traits: {email}, password});
  const [, mine] = await ask("/sessions/whoami");
  const [, out] = await ask("/self-service/logout/browser");
  const left = await fetch(out.logout_url, {credentials: "include", headers: {"accept": "application/json"}});
  const [gone] = await ask("/sessions/whoami");
  const [wrong, again] = await begin("login", {identifier: email, password: "a wrong one"});
  const [back] = await begin("login", {identifier: email, password});
  said(JSON.stringify([registered, mine.identity.traits.email, left.status, gone, wrong, again.ui.messages[0].id, back]));
}
</script>"""


class Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """A browser that is closed hangs up."""


@contextmanager
def app(site: str) -> Iterator[str]:
    """The app, served from a port of its own: its origin."""

    class Served(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = APP.replace("SITE", site).encode() if self.path == "/" else b""
            self.send_response(200)
            self.send_header("content-type", "text/html; charset=utf-8")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    with Server(("127.0.0.1", 0), Served) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_an_app_on_another_port_signs_people_up_out_and_in(browser_program: Chromium, tmp_path: Path) -> None:
    site = Development(tmp_path)
    with app(site.public) as origin:
        cors = {"SERVE_PUBLIC_CORS_ENABLED": "true", "SERVE_PUBLIC_CORS_ALLOWED_ORIGINS": origin}
        with site.running(**cors):
            mine = Window(browser_program, origin, scripts=True)
            mine.open("/")
            mine.page.evaluate(f"run('ada@example.org', '{PASSWORD}')")
            assert mine.page.locator("output").inner_text() == '[200,"ada@example.org",204,401,400,4000006,200]'
            # What a script was answered with is in its console too, as the browser's own habit.
            assert [each for each in mine.problems if "status of 40" not in each] == []
            mine.context.close()


def test_W8_no_other_site_frames_a_page(browser_program: Chromium, site: Development) -> None:
    with app(site.public) as origin:
        mine = Window(browser_program, origin, scripts=True)
        mine.open("/")
        mine.page.set_content(f'<iframe src="{site.public}/ui/login"></iframe>')
        [frame] = mine.page.main_frame.child_frames
        assert frame.get_by_label("Password").count() == 0
        assert any("frame-ancestors 'none'" in each for each in mine.problems)
        mine.context.close()


def test_an_app_that_may_not_is_kept_out_by_the_browser(browser_program: Chromium, site: Development) -> None:
    with app(site.public) as origin:
        mine = Window(browser_program, origin, scripts=True)
        mine.open("/")
        with pytest.raises(Exception, match="Failed to fetch"):
            mine.page.evaluate("ask('/sessions/whoami')")
        assert any("CORS policy" in each for each in mine.problems)
        mine.context.close()
