// Asks for what the page will read first while its scripts are still on their way; `assets/api.js`
// takes the answers from here. Stands in the page itself, with the paths beside it.
{
  const parts = location.pathname.split("/");
  const asked = window.pygentEarly = new Map();
  for (const path of document.currentScript.dataset.reads.split(" ")) {
    if (location.search && path !== "/me") continue; // filters: the page knows them
    const full = path.replace(/\[(\d)\]/g, (_, place) => parts[place]);
    const answer = fetch(`/api/v1${full}`, { credentials: "same-origin", headers: { accept: "application/json" } });
    answer.catch(() => {}); // asked again by the page, which says so
    asked.set(full, { answer, time: Date.now() });
  }
}
