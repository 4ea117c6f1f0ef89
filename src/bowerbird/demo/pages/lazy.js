// Shows a photograph when it comes near the window.
const show = (image) => {
  image.srcset = image.dataset.srcset;
  image.src = image.dataset.src;
};
const watch = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (isIntersecting) { show(target); watch.unobserve(target); }
  }
}, { rootMargin: "200px" });
document.querySelectorAll("img.lazy").forEach((image) => watch.observe(image));
