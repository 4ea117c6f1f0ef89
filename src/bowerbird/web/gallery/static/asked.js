// What is looked for: the form, and the page's address, which says the same.

/** What the form asks for, as words of an address. */
export function asked(form) {
  const data = new FormData(form), out = new URLSearchParams();
  for (const name of ["words", "host", "min_side", "max_side", "since", "until"]) {
    const value = (data.get(name) ?? "").trim();
    if (value) out.set(name, value);
  }
  for (const end of ["min", "max"]) {
    const value = Number(data.get(`${end}_kb`));
    if (value > 0) out.set(`${end}_bytes`, Math.round(value * 1000));
  }
  const types = data.getAll("type");
  if (types.length) out.set("types", types.join(","));
  if (form.elements.sort.value !== "newest") out.set("sort", form.elements.sort.value);
  return out;
}

/** Have the form ask for what the address says. */
export function fromAddress(form) {
  const given = new URLSearchParams(location.search);
  form.reset();
  for (const name of ["words", "host", "min_side", "max_side", "since", "until", "sort"]) {
    if (given.has(name)) form.elements[name].value = given.get(name);
  }
  for (const end of ["min", "max"]) {
    if (given.has(`${end}_bytes`)) form.elements[`${end}_kb`].value = Math.round(given.get(`${end}_bytes`) / 1000);
  }
  const types = new Set((given.get("types") ?? "").split(","));
  for (const one of form.querySelectorAll("input[name=type]")) one.checked = types.has(one.value);
}
