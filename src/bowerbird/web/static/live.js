import { count, live } from "./shared.js";
live((moment) => {
  document.querySelector('[data-live="images"]').textContent = count(moment.images);
});
