import { ceremony, create, demoKey, post, sayer, supported } from "./key.js";

const place = document.getElementById("ceremony");
const say = sayer(document.getElementById("said"));
const label = document.getElementById("label");
const buttons = [...place.querySelectorAll("button")];

const run = async (touch) => {
  buttons.forEach((button) => (button.disabled = true));
  const done = await ceremony({
    place,
    say,
    touch,
    begin: () => post("/api/enrol/begin", { token: place.dataset.token }),
    complete: (begun, response) =>
      post("/api/enrol/complete", { token: place.dataset.token, state: begun.state, response, label: label.value }),
  });
  if (!done) {
    buttons.forEach((button) => (button.disabled = false));
    return;
  }
  say(place.dataset.done, "good");
  document.getElementById("next").hidden = false;
  place.querySelector("#next a").focus();
};

document.getElementById("touch").addEventListener("click", () =>
  supported() ? run(create) : say(place.dataset.unsupported, "bad"),
);
document.getElementById("demo")?.addEventListener("click", () => run((options) => demoKey("create", options)));
buttons.forEach((button) => (button.disabled = false)); // a click before this script was there would have done nothing
