"""`manage.py up`: services first, then every process, one log, and nothing left behind at the end."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable

from tasktracker.devstack import leftovers
from tasktracker.devstack.child import Child, stop_all
from tasktracker.devstack.embedded import EmbeddedServices
from tasktracker.devstack.errors import CannotStart
from tasktracker.devstack.folder import BASE_DIR, HOST, DataFolder, is_free
from tasktracker.devstack.keeper import Keeper
from tasktracker.devstack.liveness import (
    GRACE,
    HealthPoll,
    Idleness,
    answers,
    ask_health,
    sick_parts,
    stuck,
)
from tasktracker.devstack.lock import FileLock, Run, forget_run, read_run
from tasktracker.devstack.log import Log
from tasktracker.devstack.processes import PROCESSES, Process, stack_environment
from tasktracker.devstack.reload import watch_sources
from tasktracker.devstack.service import Service

TICK = 0.2  # seconds
WEB_PATIENCE = 90.0  # seconds until the web process must answer
HEALTH_PATIENCE = 45.0  # seconds until every part should be well
FAILURES = 4  # so many deaths before `ready:` mean that a process cannot start
PROCESS_PATIENCE = 10.0  # seconds to finish before SIGKILL; with the services' below 20
SERVICE_PATIENCE = 7.0
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(Exception):
    """Somebody asked us to stop."""


class Supervisor:
    """Owns a DATA_DIR while it runs."""

    def __init__(
        self,
        folder: DataFolder,
        *,
        port: int,
        demo: bool,
        reload: bool = False,
        processes: tuple[Process, ...] = PROCESSES,
    ) -> None:
        self.folder = folder
        self.port = port
        self.demo = demo
        self.reload = reload
        self.processes = processes
        self.web = f"http://{HOST}:{port}"
        self.lock = FileLock(folder)
        self.stopping = threading.Event()
        self.changed = threading.Event()  # a source file, with --reload
        self.log = Log([process.name for process in processes])
        self.services = EmbeddedServices(folder, given=os.environ, pause=self.pause)
        self.keepers: dict[str, Keeper] = {}
        self.service_keepers: list[Keeper] = []
        self.helpers: list[Child] = []
        self.run_record = Run.mine("up")
        self.is_ready = False
        self.idleness = Idleness()
        self.judged = 0

    # The whole story

    def run(self) -> None:
        """Start everything, keep it alive, and stop it; raises CannotStart with a sentence."""
        if not self.lock.take():
            raise CannotStart(self.describe_holder())
        handlers = {number: signal.signal(number, self.ask_to_stop) for number in SIGNALS}
        try:
            self.begin()
            self.keep_alive()
        except Stopped:
            self.log.say("stopping")
        finally:
            self.stop()
            self.lock.release()
            for number, handler in handlers.items():
                signal.signal(number, handler)

    def begin(self) -> None:
        ended = leftovers.clean_up(self.folder)
        if ended:
            self.log.say(f"ended what a killed predecessor left running: {', '.join(ended)}")
        if not is_free(self.port):
            raise CannotStart(
                f"port {self.port} is taken by another program; choose another one: make run PORT=8001"
            )
        self.run_record.web = self.web
        self.run_record.write(self.folder)
        self.start_services()
        self.run_to_end("prepare", "prepare_local", output=subprocess.PIPE)
        self.start_processes()
        self.wait_for_web()
        self.log.say(f"the web process answers on {self.web}")
        self.run_record.is_ready = True
        self.write_record()
        if self.demo and not self.folder.has_demo(self.run_record.urls):
            with self.log.holding_processes():
                self.run_to_end("demo", "load_demo", output=None)
            self.folder.note_demo(self.run_record.urls)
        self.wait_for_health()
        self.is_ready = True
        self.log.plain(f"ready: {self.web}")

    def keep_alive(self) -> None:
        poll = HealthPoll(self.port, self.stopping)
        poll.start()
        if self.reload:
            watch_sources(self.changed, self.stopping)
        while True:
            self.pause(TICK)
            self.tick()
            if poll.sequence != self.judged:
                self.judged = poll.sequence
                self.restart_stuck(poll.heartbeats)
            if self.changed.is_set():
                self.changed.clear()
                self.restart_processes()

    def stop(self) -> None:
        """Processes first, so that they can still finish their work; then the services."""
        self.stopping.set()
        keepers = self.keepers.values()
        stop_all(
            [*self.helpers, *(keeper.child for keeper in keepers if keeper.child is not None)],
            patience=PROCESS_PATIENCE,
        )
        self.services.stop(patience=SERVICE_PATIENCE)
        forget_run(self.folder)

    # Steps

    def start_services(self) -> None:
        if self.services.services:
            names = ", ".join(service.name for service in self.services.services)
            self.log.say(f"starting {names} (data and logs in {self.folder.path})")
        self.services.start()
        for service in self.services.services:
            keeper = Keeper(service.name, self.service_launcher(service), self.log.say)
            keeper.adopt(self.services.children[service.name])
            self.service_keepers.append(keeper)
        self.run_record.urls = self.services.urls
        self.write_record()

    def start_processes(self) -> None:
        for process in self.processes:
            keeper = Keeper(process.name, self.process_launcher(process), self.log.say)
            self.keepers[process.name] = keeper
            keeper.start()
        self.write_record()

    def wait_for_web(self) -> None:
        deadline = time.monotonic() + WEB_PATIENCE
        while not answers(self.port):
            if time.monotonic() > deadline:
                raise CannotStart(f"the web process does not answer after {WEB_PATIENCE:.0f} s.")
            self.pause(TICK)
            self.tick()

    def wait_for_health(self) -> None:
        """Until a heartbeat went through every queue; what is slow is said and not waited for."""
        deadline = time.monotonic() + HEALTH_PATIENCE
        while sick := sick_parts(ask_health(self.port)):
            if time.monotonic() > deadline:
                self.log.say(f"not well yet: {', '.join(sick)}; see {self.web}/api/health")
                return
            self.pause(1)
            self.tick()

    def run_to_end(self, name: str, command: str, *, output: int | None) -> None:
        """Run one `manage.py` command while everything else is kept alive."""
        arguments = [sys.executable, str(BASE_DIR / "manage.py"), command]
        child = Child(
            name, arguments, environment=self.environment(name), output=output, folder=BASE_DIR
        )
        self.helpers.append(child)
        reader = self.log.follow(child) if output == subprocess.PIPE else None
        while child.exit_code is None:
            self.pause(TICK / 2)
            self.tick()
        self.helpers.remove(child)
        if reader is not None:
            reader.join(timeout=2)
        if child.exit_code:
            raise CannotStart(
                f"manage.py {command} {child.describe_end()}; its lines above say why."
            )

    # Keeping alive

    def tick(self) -> None:
        if self.lock.is_lost():
            self.log.say(f"{self.folder.path} was removed")
            raise Stopped
        keepers = [*self.service_keepers, *self.keepers.values()]
        changes = [keeper.tick() for keeper in keepers]
        if any(changes):
            self.write_record()
        broken = [keeper.name for keeper in keepers if keeper.failures >= FAILURES]
        if broken and not self.is_ready:
            raise CannotStart(f"{', '.join(broken)} cannot start; the lines above say why.")

    def restart_stuck(self, heartbeats: dict[str, float | None]) -> None:
        """Restart workers that fell silent, unless the heartbeat itself may be missing."""
        idle = self.idle_processes()
        everybody = [*self.service_keepers, *self.keepers.values()]
        if not heartbeats or min(keeper.age for keeper in everybody) < GRACE:
            return
        for process in stuck(self.processes, heartbeats, idle):
            self.restart(process.name, f"has consumed nothing from queue {process.queue}")

    def idle_processes(self) -> set[str]:
        now = time.monotonic()
        children = {name: keeper.child for name, keeper in self.keepers.items()}
        return {
            name
            for name, child in children.items()
            if child is not None and self.idleness.is_idle(child, now)
        }

    def restart(self, name: str, reason: str) -> None:
        keeper = self.keepers[name]
        if keeper.child is not None:
            stop_all([keeper.child], patience=3)
        keeper.plan_restart(reason)
        self.write_record()

    def restart_processes(self) -> None:
        self.log.say("a source file changed: restarting the processes")
        keepers = self.keepers.values()
        stop_all([keeper.child for keeper in keepers if keeper.child is not None], patience=5)
        for keeper in keepers:
            keeper.start()
        self.write_record()

    # Parts

    def environment(self, name: str, more: dict[str, str] | None = None) -> dict[str, str]:
        return stack_environment(
            name, data=self.folder.path, urls=self.services.urls, port=self.port, more=more or {}
        )

    def process_launcher(self, process: Process) -> Callable[[], Child]:
        def launch() -> Child:
            child = Child(
                process.name,
                process.arguments,
                environment=self.environment(process.name, process.environment),
                output=subprocess.PIPE,
                folder=BASE_DIR,
            )
            self.log.follow(child)
            return child

        return launch

    def service_launcher(self, service: Service) -> Callable[[], Child]:
        def launch() -> Child:
            service.prepare()
            return self.services.launch(service)

        return launch

    def write_record(self) -> None:
        keepers = [*self.service_keepers, *self.keepers.values()]
        children = [keeper.child for keeper in keepers if keeper.child is not None]
        self.run_record.processes = {child.name: child.identity for child in children}
        self.run_record.write(self.folder)

    def pause(self, seconds: float) -> None:
        """Wait; raise Stopped when it is time to stop."""
        if self.stopping.wait(seconds) or self.log.is_broken:
            raise Stopped

    def ask_to_stop(self, number: int, frame: object) -> None:
        self.stopping.set()

    def describe_holder(self) -> str:
        run = read_run(self.folder)
        holder = (
            run.describe()
            if run is not None and run.is_alive
            else "another process that is just starting"
        )
        return f"{self.folder.path} is in use by {holder}. Stop it, or choose another DATA_DIR."
