def test_anybody_reads_the_addresses_of_the_server(anybody):
    config = anybody.get("/api/config", headers={"host": "track.example.org"}).json()

    assert config["wsUrl"] == "ws://track.example.org/ws"
    assert config["apiBaseUrl"] == "http://track.example.org"
    assert [language["code"] for language in config["languages"]] == ["uk", "en"]


def test_addresses_have_the_scheme_of_the_request(anybody):
    config = anybody.get("/api/config/", secure=True).json()

    assert config["wsUrl"] == "wss://testserver/ws"
    assert config["apiBaseUrl"] == "https://testserver"


def test_llm_is_a_feature_only_where_one_is_configured(anybody, settings):
    settings.OLLAMA_URL = ""
    settings.OPENAI_API_KEY = ""
    without = anybody.get("/api/config").json()["features"]
    settings.OLLAMA_URL = "http://127.0.0.1:11434"

    assert without == {"realtime": True, "llm": False}
    assert anybody.get("/api/config").json()["features"]["llm"] is True
