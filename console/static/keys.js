// A further key: first a touch of one that is registered, then the page that registers the new one.
import { assert, ceremony, demoKey, post, sayer, supported } from "./key.js";

const place = document.getElementById("ceremony");
const words = place.dataset;
const say = sayer(document.getElementById("said"));
const buttons = [...place.querySelectorAll("button")];

const add = async (touch) => {
  buttons.forEach((button) => (button.disabled = true));
  const done = await ceremony({
    place,
    say,
    touch,
    begin: () => post("/api/keys/begin", { csrf: words.csrf }),
    complete: (begun, response) => post("/api/keys/complete", { csrf: words.csrf, state: begun.state, response }),
  });
  if (done) window.location.assign(`/enrol/${encodeURIComponent(done.token)}`);
  else buttons.forEach((button) => (button.disabled = false));
};

document.getElementById("touch").addEventListener("click", () => (supported() ? add(assert) : say(words.unsupported, "bad")));
document.getElementById("demo")?.addEventListener("click", () => add((options) => demoKey("get", options)));
buttons.forEach((button) => (button.disabled = false)); // a click before this script was there would have done nothing
