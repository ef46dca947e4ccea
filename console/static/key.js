// What every ceremony page shares: JSON to and from the browser's key interface, and the demo's software key.

const toBytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const toText = (buffer) => {
  let bytes = "";
  for (const byte of new Uint8Array(buffer)) bytes += String.fromCharCode(byte);
  return btoa(bytes).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
};
const descriptors = (list) => (list || []).map((one) => ({ ...one, id: toBytes(one.id) }));

export const supported = () => Boolean(window.isSecureContext && window.PublicKeyCredential && navigator.credentials);

/** Sends JSON to our own host; resolves to {ok, status, body}. Rejects when the host cannot be reached. */
export const post = async (path, body) => {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    credentials: "same-origin",
    cache: "no-store",
    body: JSON.stringify(body),
  });
  const told = await answer.json().catch(() => ({}));
  return { ok: answer.ok, status: answer.status, body: told };
};

/** An assertion by a real key, as JSON (WebAuthn section 5.1, `toJSON`). */
export const assert = async (options) => {
  const credential = await navigator.credentials.get({
    publicKey: { ...options, challenge: toBytes(options.challenge), allowCredentials: descriptors(options.allowCredentials) },
  });
  const { response } = credential;
  return {
    id: credential.id,
    rawId: toText(credential.rawId),
    type: credential.type,
    clientExtensionResults: credential.getClientExtensionResults(),
    response: {
      clientDataJSON: toText(response.clientDataJSON),
      authenticatorData: toText(response.authenticatorData),
      signature: toText(response.signature),
      userHandle: response.userHandle ? toText(response.userHandle) : null,
    },
  };
};

/** A registration by a real key, as JSON. */
export const create = async (options) => {
  const credential = await navigator.credentials.create({
    publicKey: {
      ...options,
      challenge: toBytes(options.challenge),
      user: { ...options.user, id: toBytes(options.user.id) },
      excludeCredentials: descriptors(options.excludeCredentials),
    },
  });
  const { response } = credential;
  return {
    id: credential.id,
    rawId: toText(credential.rawId),
    type: credential.type,
    clientExtensionResults: credential.getClientExtensionResults(),
    response: {
      clientDataJSON: toText(response.clientDataJSON),
      attestationObject: toText(response.attestationObject),
      transports: response.getTransports ? response.getTransports() : [],
    },
  };
};

/** The demo's software key signs in a process of its own; its answer takes the ordinary road from here on. */
export const demoKey = async (purpose, options) => {
  const { ok, body } = await post("/demo/touch", { purpose, options });
  if (!ok) throw new DOMException("the demo key did not answer", "NotAllowedError");
  return body;
};

/** Runs one ceremony from a button: begin, touch, complete. Returns the answer's body, or null with the words already said. */
export const ceremony = async ({ place, say, begin, touch, complete }) => {
  const words = place.dataset;
  try {
    const begun = await begin();
    if (!begun.ok) {
      say(begun.body.words || words.refused, "bad");
      return null;
    }
    say(words.waiting, "");
    const response = await touch(begun.body.options);
    const done = await complete(begun.body, response);
    if (!done.ok) {
      say(done.body.words || words.refused, "bad");
      return null;
    }
    return done.body;
  } catch (error) {
    say(error instanceof DOMException && error.name !== "NetworkError" ? words.none : words.failed, "bad");
    return null;
  }
};

/** The status line under the buttons. */
export const sayer = (line) => (text, kind) => {
  line.className = `said ${kind}`;
  line.textContent = text;
};
