// Asks for what the page will read first while its scripts are still on their way; `assets/api.js`
// takes the answers from here. Stands in the page itself, with the paths beside it: `[2]` is the second
// part of the address, `[-9]` the minute of nine milliseconds ago. Answers are read to their end, for
// one that is left unread keeps its connection.
{
  const parts = location.pathname.split("/");
  const asked = window.pygentEarly = new Map();
  for (const path of document.currentScript.dataset.reads.split(" ")) {
    if (location.search && path !== "/me") continue; // filters: the page knows them
    const full = path.replace(/\[(\d)\]/g, (_, place) => parts[place])
      .replace(/\[-(\d+)\]/g, (_, ago) => encodeURIComponent(new Date(Math.floor((Date.now() - ago) / 6e4) * 6e4).toISOString()));
    const answer = fetch(`/api/v1${full}`, { credentials: "same-origin", headers: { accept: "application/json" } })
      .then(async (response) => new Response(await response.text(), { status: response.status, headers: response.headers }));
    answer.catch(() => {}); // asked again by the page, which says so
    asked.set(full, { answer, time: Date.now() });
  }
}
