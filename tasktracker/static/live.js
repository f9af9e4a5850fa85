/* The browser's end of /ws: one connection per page, shared by everything on it.
 *
 *   live.connect({query: {project: "shop"}, since: 41})
 *   document.addEventListener("live:message.new", (event) => event.detail.data)
 *
 * Elements with [data-live-indicator] get data-state (connecting, connected, reconnecting, offline,
 * signed-out) and, in their [data-live-text] child, the words of their data-text-<state> attribute.
 */
(() => {
  "use strict";
  if (window.live) return;

  const FIRST_PAUSE = 500; // ms, doubles up to LONGEST_PAUSE, with jitter
  const LONGEST_PAUSE = 10_000;
  const PING_EVERY = 25_000;
  const SILENT_FOR = 60_000; // nothing heard, not even a pong: the connection is dead
  const HIDDEN_FOR = 5 * 60_000; // a tab that nobody looks at lets its connection go
  const REMEMBERED = 1000; // numbers of events that are known
  const LAST_WORDS = new Set([4400, 4401, 4403]); // trying again cannot help

  let socket = null;
  let query = {};
  let lastSeq = null;
  let seen = new Set();
  let failures = 0;
  let heardAt = 0;
  let reconnecting = 0;
  let hiding = 0;
  let isPaused = false;
  let isFinal = false;
  let state = "offline";

  function show(next) {
    state = next;
    document.querySelectorAll("[data-live-indicator]").forEach((element) => {
      element.dataset.state = next;
      const text = element.querySelector("[data-live-text]");
      const words = element.getAttribute(`data-text-${next}`);
      if (text && words) text.textContent = words;
    });
    dispatch("state", { state: next });
  }

  function dispatch(type, detail) {
    document.dispatchEvent(new CustomEvent(`live:${type}`, { detail }));
  }

  function address() {
    const url = new URL("/ws", window.location.href);
    url.protocol = window.location.protocol === "https:" ? "wss:" : "ws:";
    Object.entries(query).forEach(([name, value]) => value && url.searchParams.set(name, value));
    if (lastSeq !== null) url.searchParams.set("since", lastSeq);
    return url;
  }

  function open() {
    window.clearTimeout(reconnecting);
    if (socket || isPaused || isFinal) return;
    show(failures ? "reconnecting" : "connecting");
    const opened = new WebSocket(address());
    socket = opened;
    heardAt = Date.now();
    opened.addEventListener("message", (event) => {
      if (opened === socket) hear(event.data);
    });
    opened.addEventListener("close", (event) => {
      if (opened === socket) lost(event.code);
    });
  }

  function hear(text) {
    heardAt = Date.now();
    let frame;
    try {
      frame = JSON.parse(text);
    } catch {
      return;
    }
    if (frame.type === "connection") {
      greeted(frame.seq);
    } else if (typeof frame.seq === "number") {
      if (seen.has(frame.seq)) return; // a replay repeats some
      remember(frame.seq);
    }
    if (frame.type === "resync") lastSeq = null;
    dispatch(frame.type, frame);
    dispatch("any", frame);
  }

  function greeted(seq) {
    failures = 0;
    show("connected");
    if (lastSeq !== null && seq < lastSeq) {
      // The server counts anew: what we know belongs to another life of it.
      lastSeq = seq;
      seen = new Set();
      dispatch("resync", { type: "resync", data: {} });
    }
    if (lastSeq === null) lastSeq = seq;
  }

  function remember(seq) {
    lastSeq = Math.max(lastSeq ?? 0, seq);
    seen.add(seq);
    if (seen.size > REMEMBERED) seen.delete(seen.values().next().value);
  }

  function lost(code) {
    socket = null;
    if (isPaused) return;
    if (LAST_WORDS.has(code)) {
      isFinal = true;
      show("signed-out");
      return;
    }
    failures += 1;
    show(navigator.onLine === false ? "offline" : "reconnecting");
    const ceiling = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** Math.min(failures - 1, 10));
    reconnecting = window.setTimeout(open, ceiling * (0.5 + Math.random() / 2));
    if (failures > 5) show("offline");
  }

  function drop() {
    const dropped = socket;
    socket = null;
    window.clearTimeout(reconnecting);
    if (dropped) dropped.close(1000);
  }

  function send(frame) {
    if (socket && socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame));
  }

  function look() {
    if (!socket) return;
    if (Date.now() - heardAt > SILENT_FOR) {
      drop();
      lost(1006);
    } else {
      send({ type: "ping" });
    }
  }

  function pause() {
    isPaused = true;
    drop();
  }

  function resume() {
    window.clearTimeout(hiding);
    if (!isPaused || isFinal) return;
    isPaused = false;
    failures = 0;
    open();
  }

  function connect(options = {}) {
    query = options.query || {};
    if (typeof options.since === "number") lastSeq = options.since;
    window.setInterval(look, PING_EVERY);
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) hiding = window.setTimeout(pause, HIDDEN_FOR);
      else resume();
    });
    window.addEventListener("online", () => {
      drop();
      failures = 0;
      open();
    });
    window.addEventListener("offline", () => {
      drop();
      lost(1006);
    });
    // A page that goes into the browser's back-forward cache must not keep its connection.
    window.addEventListener("pagehide", pause);
    window.addEventListener("pageshow", resume);
    open();
  }

  window.live = {
    connect,
    subscribe: (filters) => {
      query = filters;
      send({ type: "subscribe", data: filters });
    },
    get state() {
      return state;
    },
  };
})();
