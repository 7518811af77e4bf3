// Drops on the fields for files, of folders too: gradio's own take files alone, and a file that misses them would
// replace the page. SUFFIXES, defined before this script, lists what each field takes from a folder.
(() => {
  const fieldOf = (event) => event.target.closest?.(Object.keys(SUFFIXES).map((id) => `#${id}`).join(", "));
  const suffixOf = (name) => (name.match(/[^.]\.[^.]+$/) ? name.slice(name.lastIndexOf(".")).toLowerCase() : "");

  const entriesIn = async (folder) => {
    const reader = folder.createReader();
    const found = [];
    for (;;) {
      const some = await new Promise((done, failed) => reader.readEntries(done, failed));
      if (some.length === 0) return found; // a call returns at most 100
      found.push(...some);
    }
  };

  const fileOf = (entry) => new Promise((done, failed) => entry.file(done, failed));

  const note = (field, lines) => {
    const id = `${field.id}-note`;
    document.getElementById(id)?.remove();
    if (lines.length === 0) return;
    const box = document.createElement("div");
    Object.assign(box, { id, className: "ir-error ir-note", role: "alert", textContent: lines.join(" ") });
    field.after(box);
  };

  const put = async (field, entries) => {
    const transfer = new DataTransfer();
    const lines = [];
    for (const entry of entries) {
      if (entry.isFile) {
        transfer.items.add(await fileOf(entry));
        continue;
      }
      const inside = await entriesIn(entry);
      const images = inside.filter((one) => one.isFile && SUFFIXES[field.id].includes(suffixOf(one.name)));
      for (const one of images.sort((a, b) => (a.name < b.name ? -1 : 1))) transfer.items.add(await fileOf(one));
      if (images.length === 0) lines.push(`Error: expected images in the folder ${entry.name}, found none.`);
      if (inside.some((one) => one.isDirectory)) {
        lines.push(`Sub-folders of ${entry.name} were left out: ir-transfer convert takes folders with sub-folders.`);
      }
    }
    note(field, lines);
    if (transfer.files.length === 0) return;
    const input = field.querySelector("input[type=file]");
    input.files = transfer.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  };

  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    const field = fieldOf(event);
    if (!field) return;
    event.stopPropagation();
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry()).filter(Boolean);
    put(field, entries).catch((error) => note(field, [`Error: the browser could not read what was dropped: ${error.message}`]));
  }, true);
})();
