// One's own codes: each is made or taken away after a touch of the own key for exactly that. What is made is shown once, from the answer.
import { assert, ceremony, demoKey, post, sayer, supported } from "./key.js";

const place = document.getElementById("ceremony");
const words = place.dataset;
const say = sayer(document.getElementById("said"));
const buttons = [...place.querySelectorAll("button[data-do]")];
const csrf = words.csrf;

const show = {
  totp: (made) => {
    document.getElementById("picture").src = made.picture;
    document.getElementById("seed").textContent = made.seed.replace(/(.{4})(?=.)/g, "$1 ");
    document.getElementById("enrolling").hidden = false;
    document.getElementById("code").focus();
    say("", "");
  },
  "totp-removal": () => window.location.reload(),
  codes: (made) => {
    const lines = made.codes.map((code) => {
      const line = document.createElement("li");
      line.append(Object.assign(document.createElement("code"), { textContent: code }));
      return line;
    });
    document.getElementById("list").replaceChildren(...lines);
    document.getElementById("made").hidden = false;
    say("", "");
  },
};

const run = async (what, touch) => {
  buttons.forEach((button) => (button.disabled = true));
  const made = await ceremony({
    place,
    say,
    touch,
    begin: () => post(`/api/codes/${what}/begin`, { csrf }),
    complete: (begun, response) => post(`/api/codes/${what}/complete`, { csrf, state: begun.state, response }),
  });
  buttons.forEach((button) => (button.disabled = false));
  if (made) show[what](made);
};

buttons.forEach((button) =>
  button.addEventListener("click", () => {
    if (button.dataset.demo) run(button.dataset.do, (options) => demoKey("get", options));
    else if (supported()) run(button.dataset.do, assert);
    else say(words.unsupported, "bad");
  }),
);
document.getElementById("first")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const field = document.getElementById("code");
  try {
    const { ok } = await post("/api/codes/totp/confirm", { csrf, code: field.value });
    if (!ok) {
      say(words.wrong, "bad");
      field.select();
      return;
    }
  } catch {
    say(words.failed, "bad");
    return;
  }
  document.getElementById("enrolling").hidden = true;
  buttons.forEach((button) => (button.hidden = button.dataset.do === "totp"));
  say(words.ready, "good");
});
