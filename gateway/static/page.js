// Shows acts that wait for a key on the CRM's pages. Added by the gateway to the pages that the CRM's profile names.
// One tab per browser asks the gateway (the holder of a Web Lock); the others hear it over a BroadcastChannel: six held
// requests would use up a browser's connections to the host.
(() => {
  "use strict";
  // Of pages of the CRM within each other the outermost shows the acts. A page of another origin around them, a firm's start page,
  // cannot.
  const shownAround = () => {
    for (let inner = window; inner !== window.top; inner = inner.parent) {
      try {
        if (inner.parent.document.querySelector("torwart-held, script[src*='/.torwart/page.js']")) return true;
      } catch {
        // another origin
      }
    }
    return false;
  };
  if (shownAround() || document.querySelector("torwart-held")) return;

  const HELD = "/.torwart/held";
  const OWN_HEADER = { "X-Torwart-Held": "1" };
  const CHANNEL = "torwart-held";
  const END_SHOWN_MS = 6000;

  const TEXTS = {
    de: {
      open: "Mit Schlüssel bestätigen",
      show: "Fenster noch einmal öffnen",
      discard: "Verwerfen",
      left: "Noch",
      asked: "angefragt",
      allowed: "gehen hinaus",
      clients: (n) => (n === 1 ? "Kunde" : "Kunden"),
      waiting: "Das Bestätigungsfenster ist offen. Berühren Sie dort Ihren Schlüssel.",
      blocked: "Öffnen Sie das Bestätigungsfenster mit der Schaltfläche.",
      sure: "Diesen Vorgang verwerfen? Es verlässt nichts das Haus, und Sie können ihn neu starten.",
      keep: "Weiter warten",
      soon: "Noch 30 Sekunden.",
      failed: "Das Verwerfen hat nicht geklappt. Bitte versuchen Sie es noch einmal.",
      released: "Freigegeben. Der Vorgang geht weiter.",
      repeat: "Freigegeben. Bitte wiederholen Sie den Schritt jetzt.",
      asked: "Um Zustimmung gebeten. Wiederholen Sie den Schritt, sobald sie da ist.",
      cancelled: "Nicht bestätigt, nichts hat das Haus verlassen.",
      expired: "Die Zeit ist abgelaufen. Nicht bestätigt, nichts hat das Haus verlassen.",
      why: "Warum?",
      close: "Schließen",
    },
    en: {
      open: "Confirm with your key",
      show: "Open the window again",
      discard: "Discard",
      left: "Time left",
      asked: "asked for",
      allowed: "will go out",
      clients: (n) => (n === 1 ? "client" : "clients"),
      waiting: "The confirmation window is open. Touch your key there.",
      blocked: "Open the confirmation window with the button.",
      sure: "Discard this act? Nothing leaves the house, and you can start it again.",
      keep: "Keep waiting",
      soon: "30 seconds left.",
      failed: "Discarding did not work. Please try again.",
      released: "Released. The act goes on.",
      repeat: "Released. Please repeat the step now.",
      asked: "Consent was asked for. Repeat the step as soon as it is there.",
      cancelled: "Not confirmed, nothing left the house.",
      expired: "Time is up. Not confirmed, nothing left the house.",
      why: "Why?",
      close: "Close",
    },
  };

  // Lengths in px: rem would follow the CRM's own root, which is 10 px in Tryton.
  const STYLE = `
    :host { all: initial; color-scheme: light dark;
      --card: #ffffff; --ink: #16201c; --soft: #55625c; --line: #dfe3dd; --pitch: #0b6a4b; --on: #ffffff; --amber: #8a5300;
      --wash: #fdf3df; --stop: #a3231c;
      font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
    @media (prefers-color-scheme: dark) { :host { --card: #18201c; --ink: #eaf0ec; --soft: #a3b1a9; --line: #37443d;
      --pitch: #5cc69a; --on: #07130d; --amber: #f0b95a; --wash: #2b2415; --stop: #ff9d94; } }
    *, *::before { box-sizing: border-box; }
    dialog { border: 0; padding: 0; margin: auto; width: min(464px, calc(100vw - 32px)); max-height: calc(100vh - 32px);
      overflow: auto; background: var(--card); color: var(--ink); border-radius: 16px;
      box-shadow: 0 24px 64px -16px rgb(0 0 0 / .5), 0 0 0 1px var(--line); }
    dialog::backdrop { background: rgb(12 20 16 / .55); }
    dialog[open] { animation: rise .18s ease-out; }
    @keyframes rise { from { opacity: 0; transform: translateY(12px); } }
    section { padding: 24px; }
    section + section { border-top: 1px solid var(--line); }
    .top { display: flex; align-items: center; justify-content: space-between; gap: 16px; margin: 0 0 16px; }
    .mark { display: flex; align-items: center; gap: 8px; color: var(--soft); font-size: 14px; font-weight: 600; }
    .mark svg { width: 22px; height: 22px; color: var(--pitch); }
    .clock { font-variant-numeric: tabular-nums; font-weight: 650; font-size: 15px; color: var(--amber);
      background: var(--wash); border-radius: 999px; padding: 3px 12px; white-space: nowrap; }
    h2 { font-size: 22px; line-height: 1.25; letter-spacing: -.01em; margin: 0 0 6px; text-wrap: balance; }
    p { margin: 0; overflow-wrap: anywhere; }
    .counts { display: grid; grid-template-columns: 1fr; gap: 12px; margin: 18px 0 0; padding: 0; }
    .counts.two { grid-template-columns: 1fr 1fr; }
    .counts div { border: 1px solid var(--line); border-radius: 11px; padding: 11px 14px; }
    .counts dt { color: var(--soft); font-size: 14px; }
    .counts dd { margin: 0; font-size: 28px; line-height: 1.15; font-weight: 700; font-variant-numeric: tabular-nums;
      letter-spacing: -.02em; }
    .counts dd small { font-size: 14px; font-weight: 500; color: var(--soft); letter-spacing: 0; margin-inline-start: 6px; }
    .counts .fewer { border-color: var(--amber); background: var(--wash); }
    .bar { height: 4px; border-radius: 4px; background: var(--line); margin: 18px 0 0; overflow: hidden; }
    .bar i { display: block; height: 100%; background: var(--amber); transform-origin: left; }
    .note { margin-top: 14px; color: var(--soft); font-size: 15px; }
    .go { display: flex; flex-wrap: wrap; gap: 10px; margin-top: 18px; }
    button, a.link { font: inherit; font-weight: 650; min-height: 46px; padding: 7px 18px; border-radius: 10px;
      border: 1px solid var(--line); background: transparent; color: var(--ink); cursor: pointer; }
    button.first { background: var(--pitch); border-color: var(--pitch); color: var(--on); flex: 1 1 auto; }
    button:hover { border-color: var(--soft); }
    button.first:hover { filter: brightness(1.08); }
    button:focus-visible, a:focus-visible { outline: 3px solid var(--amber); outline-offset: 2px; }
    .notices { position: fixed; inset: auto 16px 16px auto; z-index: 2147483647; display: grid; gap: 10px;
      width: min(384px, calc(100vw - 32px)); }
    .notice { background: var(--card); color: var(--ink); border-radius: 13px; padding: 14px 16px; border-left: 5px solid var(--amber);
      box-shadow: 0 13px 40px -13px rgb(0 0 0 / .5), 0 0 0 1px var(--line); display: flex; gap: 12px; align-items: center; }
    .notice.released { border-left-color: var(--pitch); }
    .notice p { flex: 1; }
    .notice a { color: var(--pitch); font-weight: 600; }
    .notice button { min-height: 32px; padding: 2px 10px; }
    .hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
    @media (max-width: 480px) { section { padding: 18px; } .go > * { flex: 1 1 100%; } }
    @media (prefers-reduced-motion: reduce) { dialog[open] { animation: none; } }
  `;

  // --- what is known ----------------------------------------------------------------------------------------------------------
  const acts = new Map(); // id -> {act, deadline, opened, asking, warned}
  const ended = new Set(); // ids whose end, or whose denial, this tab has shown
  let language = /^de\b/i.test(document.documentElement.lang || navigator.language || "") ? "de" : "en";
  const t = (name) => TEXTS[language][name];
  const grouped = (n) => new Intl.NumberFormat(language === "de" ? "de-DE" : "en-GB").format(n);

  // --- elements ---------------------------------------------------------------------------------------------------------------
  const el = (name, attributes = {}, ...children) => {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (key === "class") node.className = value;
      else if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
      else node.setAttribute(key, value);
    }
    node.append(...children);
    return node;
  };
  const svg = (name, attributes, ...children) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    node.append(...children);
    return node;
  };
  const mark = () =>
    svg(
      "svg",
      { viewBox: "0 0 24 24", fill: "none", stroke: "currentColor", "stroke-width": "2", "stroke-linecap": "round", "aria-hidden": "true" },
      svg("path", { d: "M3 21V5a2 2 0 0 1 2-2h14a2 2 0 0 1 2 2v16" }),
      svg("path", { d: "M9 3v6M15 3v6M3 9h18", "stroke-width": "1", opacity: ".55" }),
      svg("circle", { cx: "12", cy: "16", r: "3.2", fill: "currentColor", stroke: "none" }),
    );

  const host = document.createElement("torwart-held");
  const root = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLE);
  root.adoptedStyleSheets = [sheet];
  const notices = el("div", { class: "notices" });
  const spoken = el("div", { class: "hidden", role: "status", "aria-live": "polite" });
  const dialog = el("dialog", { role: "alertdialog", "aria-modal": "true", "aria-labelledby": "head", "aria-describedby": "body" });
  // Escape asks; it never discards by itself and never leaves an act without its overlay. A browser lets a page stop the first
  // close of a dialog only, so the key itself is taken, and a dialog that was closed all the same comes back.
  dialog.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    const first = acts.values().next().value;
    if (first) ask(first, !first.asking);
  });
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  dialog.addEventListener("close", () => acts.size && draw());
  // The CRM's own shortcuts and focus keepers must not see what happens in here.
  for (const kind of ["keydown", "keyup", "keypress", "focusin", "focusout", "click", "mousedown", "pointerdown"]) {
    host.addEventListener(kind, (event) => event.stopPropagation());
  }
  root.append(dialog, notices, spoken);

  const attach = () => {
    if (!host.isConnected) document.documentElement.append(host);
  };

  // --- drawing ----------------------------------------------------------------------------------------------------------------
  const clock = (ms) => {
    const seconds = Math.max(0, Math.ceil(ms / 1000));
    return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  };
  const split = (text) => {
    const at = text.indexOf(": ");
    if (at <= 0 || at >= 48) return ["", text];
    return [text.slice(0, at), text.charAt(at + 2).toUpperCase() + text.slice(at + 3)];
  };

  const draw = () => {
    if (acts.size === 0) {
      if (dialog.open) dialog.close();
      dialog.replaceChildren();
      return;
    }
    const focused = root.activeElement && root.activeElement.dataset ? root.activeElement.dataset.focus : null;
    dialog.lang = language;
    dialog.replaceChildren(...[...acts.values()].map(card));
    attach();
    if (!dialog.open) dialog.showModal();
    const again = focused && dialog.querySelector(`[data-focus="${CSS.escape(focused)}"]`);
    const first = again || dialog.querySelector("button");
    if (first) first.focus({ preventScroll: true });
    tick();
  };

  const card = (entry, place) => {
    const { act } = entry;
    const [head, rest] = split(act.text || act.title || "");
    const fewer = act.allowed !== act.asked;
    const count = (label, n, extra) =>
      el("div", { class: extra }, el("dt", {}, label), el("dd", {}, grouped(n), el("small", {}, t("clients")(n))));
    const counts = el("dl", { class: fewer ? "counts two" : "counts" }, count(t("asked"), act.asked, ""));
    if (fewer) counts.append(count(t("allowed"), act.allowed, "fewer"));
    entry.clock = el("span", { class: "clock", role: "timer", "aria-label": t("left") });
    entry.bar = el("i");
    const id = (name) => (place === 0 ? { id: name } : {});
    const section = el(
      "section",
      {},
      el("div", { class: "top" }, el("span", { class: "mark" }, mark(), "Torwart"), entry.clock),
      el("h2", id("head"), head || rest),
      el("p", id("body"), head ? rest : ""),
    );
    if (Number.isInteger(act.asked) && act.asked > 0) section.append(counts);
    section.append(el("div", { class: "bar", "aria-hidden": "true" }, entry.bar));
    section.append(
      ...(entry.asking ? question(entry) : [el("p", { class: "note" }, entry.opened ? t("waiting") : t("blocked")), buttons(entry)]),
    );
    return section;
  };

  const buttons = (entry) =>
    el(
      "div",
      { class: "go" },
      el(
        "button",
        { class: "first", type: "button", "data-focus": `open-${entry.act.id}`, onclick: () => openWindow(entry) },
        entry.opened ? t("show") : t("open"),
      ),
      el("button", { type: "button", "data-focus": `discard-${entry.act.id}`, onclick: () => ask(entry, true) }, t("discard")),
    );

  const question = (entry) => [
    el("p", { class: "note", role: "status" }, entry.failed ? t("failed") : t("sure")),
    el(
      "div",
      { class: "go" },
      el("button", { class: "first", type: "button", "data-focus": `keep-${entry.act.id}`, onclick: () => ask(entry, false) }, t("keep")),
      el("button", { type: "button", "data-focus": `sure-${entry.act.id}`, onclick: () => discard(entry) }, t("discard")),
    ),
  ];

  const ask = (entry, asking) => {
    entry.asking = asking;
    entry.failed = false;
    draw();
  };

  const say = (kind, text, link) => {
    const note = el("div", { class: `notice ${kind}`, role: "status" });
    const line = el("p", {}, text);
    if (link) line.append(" ", el("a", { href: link, target: "_blank", rel: "noopener noreferrer" }, t("why")));
    note.append(line, el("button", { type: "button", "aria-label": t("close"), onclick: () => note.remove() }, "×"));
    attach();
    notices.append(note);
    spoken.textContent = text;
    if (!link) setTimeout(() => note.remove(), END_SHOWN_MS);
  };

  let ticking = null;
  const tick = () => {
    clearTimeout(ticking);
    for (const entry of acts.values()) {
      const left = entry.deadline - performance.now();
      const words = clock(left);
      if (entry.clock && entry.clock.textContent !== `${t("left")} ${words}`) entry.clock.textContent = `${t("left")} ${words}`;
      if (entry.bar) entry.bar.style.transform = `scaleX(${Math.max(0, Math.min(1, left / entry.whole))})`;
      if (left < 30000 && !entry.warned) {
        entry.warned = true;
        spoken.textContent = t("soon");
      }
    }
    if (acts.size) ticking = setTimeout(tick, 250);
  };

  // --- acting -----------------------------------------------------------------------------------------------------------------
  const web = (link) => {
    try {
      const url = new URL(link, location.href);
      return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
    } catch {
      return null;
    }
  };

  const openWindow = (entry) => {
    const link = web(entry.act.link);
    if (!link) return;
    const left = Math.max(0, window.screenX + (window.outerWidth - 480) / 2);
    const top = Math.max(0, window.screenY + (window.outerHeight - 840) / 2);
    // The ceremony's page cuts its opener (COOP same-origin) and reports through the server only.
    const opened = window.open(link, `torwart-${entry.act.id}`, `popup,width=480,height=840,left=${left},top=${top}`);
    entry.opened = opened !== null;
    draw();
  };

  const discard = async (entry) => {
    try {
      const answer = await fetch(`${HELD}/${encodeURIComponent(entry.act.id)}/cancel`, {
        method: "POST",
        headers: OWN_HEADER,
        credentials: "same-origin",
      });
      if (!answer.ok) throw new Error(String(answer.status));
    } catch {
      entry.failed = true;
      if (acts.has(entry.act.id)) draw();
    }
  };

  // --- hearing ----------------------------------------------------------------------------------------------------------------
  const take = (told) => {
    if (told.language === "de" || told.language === "en") language = told.language;
    let changed = false;
    const listed = new Set();
    for (const act of told.acts || []) {
      listed.add(act.id);
      if (act.state === "open") {
        const known = acts.get(act.id);
        const deadline = performance.now() + act.expires_in * 1000;
        if (known) {
          known.deadline = Math.min(known.deadline, deadline + 1000);
          continue;
        }
        const entry = { act, deadline, whole: Math.max(1000, act.expires_in * 1000), opened: false, asking: false, warned: false };
        acts.set(act.id, entry);
        changed = true;
        const active = navigator.userActivation ? navigator.userActivation.isActive : false;
        if (active && document.visibilityState === "visible" && document.hasFocus()) openWindow(entry);
      } else if (!ended.has(act.id)) {
        ended.add(act.id);
        const seen = acts.delete(act.id);
        changed = changed || seen;
        if (act.state === "denied") say("denied", act.text, web(act.link));
        else if (seen && TEXTS.en[act.state]) say(act.state, t(act.state === "released" && act.repeat ? "repeat" : act.state), null);
      }
    }
    for (const id of [...acts.keys()]) {
      if (!listed.has(id)) changed = acts.delete(id) || changed; // ended while nobody listened
    }
    if (changed) draw();
  };

  // --- asking: one tab per browser ----------------------------------------------------------------------------------------------
  const channel = "BroadcastChannel" in window ? new BroadcastChannel(CHANNEL) : null;
  let latest = null; // what the leader heard last, with the moment it heard it
  const tell = (message) => channel && channel.postMessage(message);
  if (channel) {
    channel.onmessage = ({ data }) => {
      if (data && data.kind === "told") take(data.told);
      if (data && data.kind === "new" && latest) {
        const late = (performance.now() - latest.at) / 1000;
        tell({ kind: "told", told: { ...latest.told, acts: latest.told.acts.map((a) => ({ ...a, expires_in: Math.max(0, a.expires_in - late) })) } });
      }
    };
    tell({ kind: "new" });
  }

  let wake = null;
  const pause = (ms) =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  // After a sign-in the first act may come within a second: a person at work is a reason to ask again now.
  let signedOut = false;
  for (const kind of ["pointerup", "visibilitychange", "online"]) {
    addEventListener(kind, () => signedOut && wake && setTimeout(wake, 300), { passive: true, capture: true });
  }

  const listen = async () => {
    let seen = "";
    let failures = 0;
    for (;;) {
      try {
        const asked = performance.now();
        const answer = await fetch(`${HELD}?seen=${seen}`, { headers: OWN_HEADER, credentials: "same-origin", cache: "no-store" });
        signedOut = answer.status === 401;
        if (signedOut) {
          seen = "";
          if (acts.size) take({ acts: [] });
          await pause(document.visibilityState === "visible" ? 2000 : 15000);
          continue;
        }
        if (!answer.ok) throw new Error(String(answer.status));
        const told = await answer.json();
        failures = 0;
        seen = /^\w{1,64}$/.test(told.version) ? String(told.version) : "";
        latest = { told, at: performance.now() };
        take(told);
        tell({ kind: "told", told });
        // Two gateways may see the same end a moment apart: an answer that came at once is followed by a breath.
        if (seen === "") await pause(1000);
        else if (performance.now() - asked < 300) await pause(300);
      } catch {
        failures += 1;
        await pause(Math.min(30000, 500 * 2 ** Math.min(failures, 6)) * (0.75 + Math.random() / 2));
      }
    }
  };

  if (navigator.locks) navigator.locks.request(CHANNEL, listen).catch(() => {});
  else listen();
})();
