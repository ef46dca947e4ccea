// Says when the alert on this page has grown; never changes what somebody is reading or writing.
const place = document.getElementById("alert");
let revision = "";

const listen = async () => {
  for (let failures = 0; ; ) {
    try {
      const answer = await fetch(`/api/alerts/${encodeURIComponent(place.dataset.id)}?after=${encodeURIComponent(revision)}`, {
        credentials: "same-origin",
        cache: "no-store",
      });
      if (answer.status === 401 || answer.status === 403) return;
      if (!answer.ok) throw new Error(String(answer.status));
      const now = await answer.json();
      failures = 0;
      revision = String(now.revision);
      if (String(now.alert) !== place.dataset.revision) document.getElementById("grown").hidden = false;
    } catch {
      failures += 1;
      await new Promise((resolve) => setTimeout(resolve, Math.min(15000, 1000 * 2 ** failures)));
    }
  }
};
listen();
