import socket
import stat

from tasktracker.devstack.folder import HOST, DataFolder, is_free


def test_port_stays_the_same_while_it_is_free(folder):
    first = folder.port("nats")

    assert DataFolder(folder.path).port("nats") == first


def test_port_that_somebody_took_is_replaced(folder):
    first = folder.port("nats")
    with socket.create_server((HOST, first)):
        assert not is_free(first)
        assert folder.port("nats") != first


def test_services_get_different_ports(folder):
    assert len({folder.port(name) for name in ("postgresql", "nats", "valkey")}) == 3


def test_spoiled_port_file_is_written_anew(folder):
    (folder.path / "ports.json").write_text("{not json")

    assert is_free(folder.port("nats"))


def test_secret_is_made_once_and_only_its_owner_reads_it(folder):
    secret = folder.secret("nats_password")

    assert DataFolder(folder.path).secret("nats_password") == secret
    assert stat.S_IMODE(folder.secret_file("nats_password").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.secret_file("nats_password").parent.stat().st_mode) == 0o700


def test_secrets_of_two_folders_differ(folder, tmp_path):
    assert folder.secret("nats_password") != DataFolder(tmp_path / "other").secret("nats_password")


def test_the_demo_is_remembered_for_the_database_that_has_it(folder):
    here = {"DATABASE_URL": "postgresql://u:secret@127.0.0.1:5001/tasktracker"}
    moved = {"DATABASE_URL": "postgresql://u:secret@127.0.0.1:5002/tasktracker"}
    elsewhere = {"DATABASE_URL": "postgresql://u:secret@db.example/tasktracker"}
    assert not folder.has_demo(here)

    folder.note_demo(here)

    assert folder.has_demo(moved)
    assert not folder.has_demo(elsewhere)
    assert "secret" not in (folder.path / "demo-loaded").read_text()
