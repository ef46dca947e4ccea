import { assert, ceremony, demoKey, post, sayer, supported } from "./key.js";

const place = document.getElementById("ceremony");
const say = sayer(document.getElementById("said"));
const buttons = [...place.querySelectorAll("button")];

const run = async (touch) => {
  buttons.forEach((button) => (button.disabled = true));
  const done = await ceremony({
    place,
    say,
    touch,
    begin: () => post("/api/signin/begin", {}),
    complete: (begun, response) => post("/api/signin/complete", { state: begun.state, response, to: place.dataset.to }),
  });
  if (done) location.replace(done.to);
  else buttons.forEach((button) => (button.disabled = false));
};

document.getElementById("touch").addEventListener("click", () =>
  supported() ? run(assert) : say(place.dataset.unsupported, "bad"),
);
document.getElementById("demo")?.addEventListener("click", () => run((options) => demoKey("get", options)));
buttons.forEach((button) => (button.disabled = false)); // a click before this script was there would have done nothing
