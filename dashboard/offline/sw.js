// The service worker of the pages. It keeps one file: the page that says there is no connection. All
// else goes to the network as if it were not there, so that no page is older than its server and no
// answer of the API is kept, whoever logs in or out. The build writes its own name in here.

const CACHE = "pygent-offline-@BUILD@";
const OFFLINE = "/offline.html";
const NOT_PAGES = /^\/(api|auth|health|connection)\//;
const GATEWAY = [502, 504]; // a proxy that reaches nobody

addEventListener("install", (event) => {
  skipWaiting();
  event.waitUntil(keep());
  event.addRoutes?.({ condition: { not: { requestMode: "navigate" } }, source: "network" }).catch(() => {});
});

addEventListener("activate", (event) => event.waitUntil(begin()));

addEventListener("fetch", (event) => {
  const { method, mode, url } = event.request;
  if (mode !== "navigate" || method !== "GET" || NOT_PAGES.test(new URL(url).pathname)) return;
  event.respondWith(page(event));
});

async function keep() {
  const cache = await caches.open(CACHE);
  await cache.add(new Request(OFFLINE, { cache: "reload" }));
}

async function begin() {
  const others = (await caches.keys()).filter((name) => name.startsWith("pygent-") && name !== CACHE);
  await Promise.all(others.map((name) => caches.delete(name)));
  await registration.navigationPreload?.enable();
  await clients.claim();
}

async function page(event) {
  try {
    const response = (await event.preloadResponse) ?? (await fetch(event.request));
    if (!GATEWAY.includes(response.status)) return response;
  } catch {
    // nobody answers
  }
  return (await caches.match(OFFLINE, { cacheName: CACHE })) ?? Response.error();
}
