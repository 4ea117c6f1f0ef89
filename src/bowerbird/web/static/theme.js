// Before the page is painted, so that it does not flash.
"use strict";
document.documentElement.dataset.theme = localStorage.getItem("theme") ?? "system";
