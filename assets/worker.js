// The service worker's side of the page: put in its place once, and asked for a newer one when the
// hub was away, for then it may have been upgraded. What it does stands in dashboard/offline/.

import { useEffect, useRef } from "react";

import { useConnection } from "$/public/live.js";
import { notify } from "$/public/notices.jsx";

const WORKER = "/sw.js";

/** Draws nothing. */
export function Worker() {
  const { name } = useConnection();
  const wasLost = useRef(false);
  const wasAway = useRef(false); // and came back
  useEffect(() => {
    const container = navigator.serviceWorker; // absent where the address is not secure
    if (!container) return undefined;
    // a page that was just loaded is as new as its server: only one that saw the hub go can be older
    const changed = () => wasAway.current && notify({
      id: "version", icon: "refresh", title: "These pages are older than their server", text: "Reload to see the newer ones", seconds: 0,
      act: { word: "Reload", run: () => location.reload() },
    });
    container.addEventListener("controllerchange", changed);
    container.register(WORKER, { updateViaCache: "none" }).catch(() => {}); // the pages work without it
    return () => container.removeEventListener("controllerchange", changed);
  }, []);
  useEffect(() => {
    if (name === "live" && wasLost.current) {
      wasAway.current = true;
      navigator.serviceWorker?.getRegistration().then((found) => found?.update()).catch(() => {});
    }
    wasLost.current = name !== "live" && (wasLost.current || name !== "connecting");
  }, [name]);
  return null;
}
