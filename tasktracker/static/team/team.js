/* Rows that arrive while the page is open. Text from chats is only ever set as text. */
(() => {
  "use strict";

  const LONGEST = { messages: 30, tasks: 15 };
  const REFRESH_AFTER = 1000; // ms
  const REFRESH_AT_MOST_EVERY = 4000; // ms

  const page = document.querySelector("[data-team]");
  if (!page || !window.live) return;
  const words = JSON.parse(page.dataset.words);
  const clock = new Intl.DateTimeFormat("uk", {
    day: "2-digit",
    month: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    timeZone: page.dataset.timeZone || undefined,
  });
  const lists = {
    messages: page.querySelector("[data-list=messages]"),
    tasks: page.querySelector("[data-list=tasks]"),
  };

  // Small things

  function fresh(name) {
    return page.querySelector(`[data-template=${name}]`).content.firstElementChild.cloneNode(true);
  }

  function setText(row, field, text) {
    row.querySelector(`[data-field=${field}]`).textContent = text;
  }

  function setBadge(row, name, value, labels) {
    const badge = row.querySelector(`[data-badge=${name}]`);
    badge.dataset.value = value;
    badge.textContent = value ? labels[value] || value : "";
  }

  function setTime(row, moment) {
    const time = row.querySelector("time");
    time.dateTime = moment;
    time.textContent = clock.format(new Date(moment)).replace(",", "");
  }

  function setLink(row, pattern, id) {
    if (pattern && id) row.querySelector("[data-link]").href = pattern.replace("/0/", `/${id}/`);
  }

  function initials(name) {
    const found = name.split(/\s+/).filter((word) => /^[\p{L}\p{N}]/u.test(word));
    return found.slice(0, 2).map((word) => [...word][0]).join("").toUpperCase() || "?";
  }

  function say(text) {
    page.querySelector("[data-said]").textContent = text;
  }

  function put(list, row) {
    row.classList.add("is-fresh");
    lists[list].prepend(row);
    while (lists[list].children.length > LONGEST[list]) lists[list].lastElementChild.remove();
  }

  // Messages

  function keyOf(data) {
    return `${data.source_id}/${data.chat}/${data.external_message_id}`;
  }

  function rowOf(data) {
    const key = keyOf(data);
    return [...lists.messages.children].find((row) => row.dataset.key === key);
  }

  function fillMessage(row, data) {
    row.dataset.key = keyOf(data);
    row.dataset.edit = data.edit;
    row.classList.toggle("is-pending", !data.persisted);
    setText(row, "author", data.author || words.said.nobody);
    setText(row, "where", data.chat_title || data.source_name);
    setText(row, "content", data.content);
    setText(row, "initials", initials(data.author));
    setPicture(row, data.avatar_url);
    setTime(row, data.sent_at);
    setLink(row, page.dataset.messagePage, data.id);
    setBadge(row, "category", data.category, words.category);
    setBadge(row, "priority", data.priority, words.priority);
    setBadge(row, "status", data.status, words.message);
  }

  function setPicture(row, address) {
    const avatar = row.querySelector(".avatar");
    avatar.querySelector("img")?.remove();
    if (!/^(https?:\/|\/avatars)\//.test(address || "")) return;
    const picture = document.createElement("img");
    picture.alt = "";
    picture.loading = "lazy";
    picture.referrerPolicy = "no-referrer";
    picture.width = picture.height = 36;
    picture.addEventListener("error", () => picture.remove()); // the initials are below it
    picture.src = address;
    avatar.append(picture);
  }

  function onMessage({ detail: { data } }) {
    const known = rowOf(data);
    if (known) {
      const isOlder = data.edit < Number(known.dataset.edit);
      const isBackward = !data.persisted && !known.classList.contains("is-pending") && data.edit <= Number(known.dataset.edit);
      if (!isOlder && !isBackward) fillMessage(known, data);
    } else if (isRecent(data.sent_at)) {
      const row = fresh("message");
      fillMessage(row, data);
      put("messages", row);
      say(words.said.message.replace("{author}", data.author || words.said.nobody));
    }
    refreshSoon(["numbers"]);
  }

  /** Whether a message belongs among the rows that are shown: an old one may have been classified just now. */
  function isRecent(moment) {
    const oldest = lists.messages.lastElementChild?.querySelector("time");
    const isFull = lists.messages.children.length >= LONGEST.messages;
    return !oldest || !isFull || new Date(moment) >= new Date(oldest.dateTime);
  }

  // Issues

  function taskRow(id) {
    return lists.tasks.querySelector(`[data-id="${Number(id)}"]`);
  }

  function fillTask(row, data) {
    row.dataset.id = data.id;
    setText(row, "title", data.title);
    setText(row, "source", data.source);
    setText(row, "reports", words.said.reports.replace("{count}", data.reports));
    setTime(row, data.created_at);
    setLink(row, page.dataset.taskPage, data.id);
    setBadge(row, "category", data.category, words.category);
    setBadge(row, "priority", data.priority, words.priority);
    setBadge(row, "status", data.status, words.task);
  }

  function onTask({ detail: { type, data } }) {
    const known = taskRow(data.id);
    if (known) {
      fillTask(known, data);
    } else if (type === "task_created") {
      const row = fresh("task");
      fillTask(row, data);
      put("tasks", row);
      say(words.said.task.replace("{title}", data.title));
    }
    refreshSoon(["numbers"]);
  }

  function onExport({ detail: { data } }) {
    const row = taskRow(data.task_id);
    if (!row || data.status !== "created" || !/^https?:\/\//.test(data.external_url)) return;
    const links = row.querySelector("[data-links]");
    let link = links.querySelector(`[data-export="${Number(data.id)}"]`);
    if (data.is_live === false) {
      link?.remove();
      return;
    }
    if (!link) {
      link = document.createElement("a");
      link.className = "badge tracker";
      link.dataset.export = data.id;
      link.rel = "noopener noreferrer";
      links.append(link);
    }
    link.href = data.external_url;
    link.textContent = data.tracker;
  }

  // Parts that the server draws again

  const wanted = new Set();
  let waiting = 0;
  let refreshedAt = 0;

  function refreshSoon(regions) {
    regions.forEach((region) => wanted.add(region));
    if (waiting) return;
    const pause = Math.max(REFRESH_AFTER, refreshedAt + REFRESH_AT_MOST_EVERY - Date.now());
    waiting = window.setTimeout(refresh, pause);
  }

  async function refresh() {
    waiting = 0;
    refreshedAt = Date.now();
    const regions = [...wanted];
    wanted.clear();
    try {
      const answer = await fetch(window.location.href, { headers: { Accept: "text/html" } });
      if (!answer.ok || answer.redirected) return;
      const copy = new DOMParser().parseFromString(await answer.text(), "text/html");
      regions.forEach((region) => {
        const selector = `[data-live-region=${region}]`;
        const now = copy.querySelector(selector);
        if (now) page.querySelector(selector).replaceChildren(...now.children);
      });
      drawTimes();
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // the network is away; the next event tries again
    }
  }

  function drawTimes() {
    page.querySelectorAll(".rows .row").forEach((row) => setTime(row, row.querySelector("time").dateTime));
  }

  drawTimes();
  document.addEventListener("live:message.new", onMessage);
  document.addEventListener("live:message.updated", onMessage);
  document.addEventListener("live:task_created", onTask);
  document.addEventListener("live:task_updated", onTask);
  document.addEventListener("live:export_updated", onExport);
  document.addEventListener("live:stats", () => refreshSoon(["numbers", "messages", "tasks"]));
  document.addEventListener("live:resync", () => refreshSoon(["numbers", "messages", "tasks"]));
  const { project, source, author, liveSeq } = page.dataset;
  window.live.connect({ query: { project, source, author }, since: Number(liveSeq) });
})();
