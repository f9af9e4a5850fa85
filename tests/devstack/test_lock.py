import stat

from tasktracker.devstack.lock import FileLock, Run, forget_run, read_run, run_file


def test_lock_has_one_holder_at_a_time(folder):
    holder, other = FileLock(folder), FileLock(folder)

    assert holder.take()
    assert not other.take()
    holder.release()
    assert other.take()
    other.release()


def test_guests_share_a_lock_and_keep_its_owner_waiting(folder):
    guests = [FileLock(folder, "guests") for _ in range(2)]
    owner = FileLock(folder, "guests")

    assert all(guest.take(shared=True) for guest in guests)
    assert not owner.take()
    for guest in guests:
        guest.release()
    assert owner.take()
    owner.release()


def test_run_survives_the_disk_and_keeps_urls_private(folder):
    run = Run.mine("up")
    run.urls = {"REDIS_URL": "redis://:secret@127.0.0.1:1/0"}
    run.write(folder)

    read = read_run(folder)
    assert read is not None
    assert (read.urls, read.pid, read.is_alive) == (run.urls, run.pid, True)
    assert stat.S_IMODE(run_file(folder).stat().st_mode) == 0o600


def test_reused_process_number_is_not_the_holder(folder):
    run = Run.mine("up")
    run.created -= 100

    assert not run.is_alive


def test_spoiled_run_file_says_nothing(folder):
    run_file(folder).write_text('{"pid": 1, "unknown": true}')

    assert read_run(folder) is None


def test_only_its_writer_takes_a_run_file_back(folder):
    foreign = Run.mine("up")
    foreign.pid = 1
    foreign.write(folder)

    forget_run(folder)
    assert run_file(folder).exists()

    Run.mine("up").write(folder)
    forget_run(folder)
    assert not run_file(folder).exists()


def test_lock_is_lost_with_its_file(folder):
    lock = FileLock(folder)
    lock.take()
    assert not lock.is_lost()

    lock.path.unlink()
    assert lock.is_lost()

    FileLock(folder).path.touch()
    assert lock.is_lost()
    lock.release()
