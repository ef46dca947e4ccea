// A touch for the form that was sent and gives authority; then the form goes on, under the new token of the sign-in.
import { assert, ceremony, demoKey, post, sayer, supported } from "./key.js";

const place = document.getElementById("ceremony");
const words = place.dataset;
const say = sayer(document.getElementById("said"));
const form = document.getElementById("kept");
const buttons = [...place.querySelectorAll("button")];

const run = async (touch) => {
  buttons.forEach((button) => (button.disabled = true));
  const done = await ceremony({
    place,
    say,
    touch,
    begin: () => post("/api/touch/begin", { csrf: words.csrf, form: words.form }),
    complete: (begun, response) => post("/api/touch/complete", { csrf: words.csrf, form: words.form, state: begun.state, response }),
  });
  if (!done) {
    buttons.forEach((button) => (button.disabled = false));
    return;
  }
  document.getElementById("csrf").value = done.csrf;
  HTMLFormElement.prototype.submit.call(form); // a field of the form may be called "submit"
};

document.getElementById("touch").addEventListener("click", () => (supported() ? run(assert) : say(words.unsupported, "bad")));
document.getElementById("demo")?.addEventListener("click", () => run((options) => demoKey("get", options)));
buttons.forEach((button) => (button.disabled = false)); // a click before this script was there would have done nothing
document.getElementById("touch").focus();
