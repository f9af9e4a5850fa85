"""The stub keeps Telegram's own rules, or what is tested against it proves nothing."""

import http.client
import json
import threading
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.stubs.telegram import TOKEN, telegram_server

CHAT, OTHER = -1001, -1002


def call(telegram, method, **form):
    """The status and the answer; None when there is none."""
    data = json.dumps(form).encode()
    address = f"{telegram.url}/bot{TOKEN}/{method}"
    request = urllib.request.Request(address, data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)["result"]
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)
    except (OSError, http.client.HTTPException):
        return None


def update(number, chat=CHAT, kind="message"):
    return {"update_id": number, kind: {"message_id": number, "chat": {"id": chat}}}


def numbers(answer):
    assert answer[0] == 200, answer
    return [item["update_id"] for item in answer[1]]


@pytest.fixture
def telegram():
    with telegram_server(hold=10, scale=0.001) as server:
        yield server


@contextmanager
def webhook(reply):
    """A site of ours; `reply` gets the update and gives status and headers."""
    taken = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, headers = reply(told)
            taken.append((told["update_id"], self.headers["X-Telegram-Bot-Api-Secret-Token"]))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/webhook/telegram", taken
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_an_offset_forgets_what_is_below_it(telegram):
    telegram.add(*(update(number) for number in range(1, 6)))

    assert numbers(call(telegram, "getUpdates", limit=2)) == [1, 2]
    assert numbers(call(telegram, "getUpdates", offset=3)) == [3, 4, 5]
    assert numbers(call(telegram, "getUpdates", offset=3)) == [3]  # repeated too soon
    assert numbers(call(telegram, "getUpdates", offset=-1)) == [5]
    assert [item["update_id"] for item in telegram.updates] == [5]


def test_a_question_waits_for_an_update_and_ends_at_another_question(telegram):
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(call, telegram, "getUpdates", timeout=10)
        while not telegram.questions:
            pass
        second = pool.submit(call, telegram, "getUpdates", timeout=10)

        status, answer = first.result(5)
        telegram.add(update(1))

        assert (status, numbers(second.result(5))) == (409, [1])
        assert "terminated by other getUpdates request" in answer["description"]


def test_a_webhook_ends_polling(telegram):
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(call, telegram, "getUpdates", timeout=10)
        while not telegram.questions:
            pass
        assert call(telegram, "setWebhook", url="https://a.example/x") == (200, True)
        status, answer = waiting.result(5)

    assert (status, answer["description"]) == (409, "Conflict: terminated by setWebhook request")
    telegram.hold = 0
    status, answer = call(telegram, "getUpdates")
    assert (status, "while webhook is active" in answer["description"]) == (409, True)


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"url": "http://a.example/"}, "HTTPS URL"),
        ({"url": "https://a.example:8000/"}, "only on ports"),
        ({"url": "https://a.example/", "secret_token": "a:b"}, "unallowed characters"),
    ],
)
def test_a_webhook_that_telegram_does_not_take(telegram, form, sentence):
    status, answer = call(telegram, "setWebhook", **form)

    assert (status, sentence in answer["description"]) == (400, True)


def test_updates_of_other_kinds_are_not_kept(telegram):
    call(telegram, "getUpdates", allowed_updates=["message"])
    telegram.add(update(1), update(2, kind="edited_message"))
    call(telegram, "getUpdates", allowed_updates=[], offset=1)
    telegram.add(update(3, kind="message_reaction"), update(4, kind="edited_message"))

    assert [item["update_id"] for item in telegram.updates] == [1, 4]


def test_a_webhook_gets_each_chat_in_order_and_a_failing_update_again(telegram):
    failures = {2: 2, 11: 1}

    def reply(told):
        number = told["update_id"]
        failures[number] = failures.get(number, 0) - 1
        return (503, {"Retry-After": "1"}) if failures[number] >= 0 else (200, {})

    telegram.add(*(update(number) for number in range(1, 5)))
    telegram.add(update(11, OTHER), update(12, OTHER))
    with webhook(reply) as (url, taken):
        call(telegram, "setWebhook", url=url, secret_token="s")
        assert telegram.wait_until_taken(10)

    assert [number for number, _ in taken if number < 10] == [1, 2, 2, 2, 3, 4]
    assert [number for number, _ in taken if number > 10] == [11, 11, 12]
    assert {secret for _, secret in taken} == {"s"}
    _, told = call(telegram, "getWebhookInfo")
    assert told["last_error_message"] == "Wrong response from the webhook: 503 Service Unavailable"


def test_faults_come_in_their_order(telegram):
    telegram.fail(429, "Too Many Requests: retry after 7", method="sendMessage", retry_after=7)
    telegram.hang_up(method="sendMessage")

    assert call(telegram, "getMe")[0] == 200
    status, answer = call(telegram, "sendMessage", chat_id="5", text="x")
    assert (status, answer["parameters"], telegram.sent) == (429, {"retry_after": 7}, [])
    assert call(telegram, "sendMessage", chat_id="5", text="x") is None
    assert len(telegram.sent) == 1


def test_chats_members_and_avatars_are_told(telegram):
    telegram.add_chat(CHAT, title="Dev")
    telegram.add_chat(OTHER, migrate_to=CHAT)
    telegram.add_member(CHAT, 7, status="administrator")
    telegram.add_member(CHAT, 8)
    telegram.add_photo(7, b"face")

    assert call(telegram, "getChat", chat_id=CHAT)[1]["title"] == "Dev"
    assert call(telegram, "getChat", chat_id=OTHER)[1]["parameters"] == {"migrate_to_chat_id": CHAT}
    assert call(telegram, "getChat", chat_id=-5)[0] == 400
    assert [
        member["user"]["id"] for member in call(telegram, "getChatAdministrators", chat_id=CHAT)[1]
    ] == [7]
    ((photo,),) = call(telegram, "getUserProfilePhotos", user_id=7)[1]["photos"]
    path = call(telegram, "getFile", file_id=photo["file_id"])[1]["file_path"]
    with urllib.request.urlopen(f"{telegram.url}/file/bot{TOKEN}/{path}") as answer:
        assert answer.read() == b"face"


def test_a_message_is_edited_only_to_another_text(telegram):
    sent = call(telegram, "sendMessage", chat_id=CHAT, text="x")[1]
    which = {"chat_id": CHAT, "message_id": sent["message_id"]}

    assert call(telegram, "editMessageText", **which, text="y")[1]["text"] == "y"
    assert "not modified" in call(telegram, "editMessageText", **which, text="y")[1]["description"]
    assert call(telegram, "editMessageText", chat_id=CHAT, message_id=1, text="y")[0] == 400
