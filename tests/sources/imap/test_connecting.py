"""Which servers are asked, with which certificates, and what is said of those that do not let us in."""

import ssl
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tasktracker.lib.workflow import GiveUp
from tests.sources.imap.conftest import collect, mail, set_up
from tests.stubs.imap import USER, imap_server

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("config", "refusal", "sentence"),
    [
        ({"password": "wrong"}, "", "does not let"),
        ({"password": "wrong"}, "Application-specific password required", "app password"),
        ({"password": "wrong"}, "BasicAuthBlocked", "Microsoft"),
        ({"folders": "Nowhere"}, "", "no folder “Nowhere”"),
        ({"port": 1}, "", "Nobody listens"),
        ({"encryption": "ssl"}, "", "does not speak TLS"),
        ({"password": ""}, "", "is missing"),
    ],
)
def test_trouble_shows_at_the_source_in_plain_words(mailbox, stub, config, refusal, sentence):
    stub.login_refusal = refusal or stub.login_refusal
    set_up(mailbox, **config)
    collect()

    mailbox.refresh_from_db()
    assert sentence in mailbox.last_error
    assert "wrong" not in mailbox.last_error


def test_a_check_says_what_is_there(mailbox, stub):
    stub.add(mail(1), mail(2))
    stub.knows_idle = False
    set_up(mailbox, folders="INBOX, Spam")
    found = mailbox.adapter().check(api_url="")

    said = [finding.sentence for finding in found]
    assert f"127.0.0.1 lets {USER} in." in said
    assert "The folder “INBOX” has 2 mails." in said
    assert any("does not know IDLE" in sentence for sentence in said)
    (missing,) = [finding for finding in found if "Spam" in finding.sentence]
    assert "“INBOX”" in missing.remedy


def test_a_check_of_settings_that_lack_something_says_so(mailbox):
    set_up(mailbox, host="")

    with pytest.raises(GiveUp, match="missing"):
        mailbox.adapter().check(api_url="")


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        (
            {"encryption": "ssl"},
            "127.0.0.1 is a private address: name it in OUTBOUND_PRIVATE_HOSTS",
        ),
        ({"encryption": "starttls", "host": "localhost"}, "localhost is a private address"),
        ({"host": "imap.example.com"}, "choose ssl or starttls"),
    ],
)
def test_a_server_inside_our_network_is_not_asked(mailbox, stub, settings, config, sentence):
    settings.OUTBOUND_PRIVATE_HOSTS = ["imap.local"]
    set_up(mailbox, **config)
    collect()

    with pytest.raises(GiveUp, match=sentence):
        mailbox.adapter().check(api_url="")
    mailbox.refresh_from_db()
    assert sentence in mailbox.last_error
    assert stub.commands == []


@pytest.mark.parametrize("encryption", ["ssl", "starttls"])
def test_only_a_certificate_that_somebody_vouches_for_is_trusted(
    mailbox, settings, tmp_path, monkeypatch, encryption
):
    settings.OUTBOUND_PRIVATE_HOSTS = ["localhost"]
    file = certificate_of("localhost", tmp_path / "both.pem")
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trust.load_cert_chain(file)
    with imap_server(trust=trust if encryption == "ssl" else None) as stub:
        stub.upgrade = trust
        set_up(mailbox, host="localhost", port=stub.port, encryption=encryption)
        with pytest.raises(GiveUp, match="certificate"):
            mailbox.adapter().check(api_url="")
        assert stub.logins == 0

        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        found = mailbox.adapter().check(api_url="")

    assert found[0].sentence == f"localhost lets {USER} in."


def certificate_of(host, file):
    """Signed by itself; its key is in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    kept = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
    secret = key.private_bytes(*kept, serialization.NoEncryption())
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + secret)
    return file
