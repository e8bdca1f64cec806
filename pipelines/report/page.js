"use strict";
// A page that nobody renews must not go on saying that all is fresh.
const minutesSince = (moment) => Math.max(0, Math.floor((Date.now() - Date.parse(moment)) / 60000));
const words = (minutes) => {
  if (minutes < 1) return "less than a minute";
  if (minutes < 120) return `${minutes} minute${minutes === 1 ? "" : "s"}`;
  return minutes < 48 * 60 ? `${Math.floor(minutes / 60)} hours` : `${Math.floor(minutes / 1440)} days`;
};
for (const element of document.querySelectorAll("[data-since]")) {
  element.textContent = `${words(minutesSince(element.dataset.since))} ago`;
}
const notice = document.getElementById("stale");
const old = minutesSince(notice.dataset.written);
if (old > Number(notice.dataset.minutes)) {
  notice.textContent =
    `This page was written ${words(old)} ago, and no sync has renewed it since: what it says may no longer hold.`;
  notice.hidden = false;
}
