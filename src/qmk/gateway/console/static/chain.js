// Verifies a chain of hashes in the browser: the rows of a table have what was hashed, the hash before it and the hash.
// The server's own verification stands in the page until then, and stays where there is no WebCrypto.

const table = document.querySelector("[data-chain]"), told = document.getElementById("verified");

const bytesOf = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
const hexOf = (buffer) => [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, "0")).join("");

async function hashOf({ before, text }) {
  const start = new TextEncoder().encode(table.dataset.prefix);
  const last = table.dataset.chain === "bytes" ? bytesOf(before) : new TextEncoder().encode(before);
  const own = new TextEncoder().encode(text), all = new Uint8Array(start.length + last.length + own.length);
  all.set(start);
  all.set(last, start.length);
  all.set(own, start.length + last.length);
  return hexOf(await crypto.subtle.digest("SHA-256", all));
}

function differs(row) { // what is read in the row is what was hashed
  const was = JSON.parse(row.dataset.text);
  return [...row.querySelectorAll("[data-is]")].some((cell) => cell.textContent !== String(was[cell.dataset.is]));
}

async function faultOf(row, older) {
  const { before, hash, seq } = row.dataset;
  if (await hashOf(row.dataset) !== hash) return `Broken at entry ${seq}: it, or its hash, was changed.`;
  if (differs(row)) return `Broken at entry ${seq}: what is shown is not what was hashed.`;
  if (!older) return "";
  const next = older.dataset.seq;
  if (seq - next === 1) return before === older.dataset.hash ? "" : `Broken at entry ${seq}: it does not follow entry ${next}.`;
  return table.dataset.all ? `Broken at entry ${seq}: the entries between ${next} and it are missing.` : "";
}

async function verify() {
  const rows = [...table.querySelectorAll("tr[data-hash]")];
  for (let at = rows.length - 1; at >= 0; at--) { // the oldest first: the first fault is where the chain breaks
    let fault;
    try { fault = await faultOf(rows[at], rows[at + 1]); } catch { fault = `Broken at entry ${rows[at].dataset.seq}: it cannot be read.`; }
    if (!fault) continue;
    rows[at].classList.add("broken");
    told.className = "problem";
    told.textContent = `${fault} This was verified in your browser.`;
    return;
  }
  if (told.className === "problem") return; // the server has found a fault outside of this page
  const [first, last] = [rows.at(-1).dataset.seq, rows[0].dataset.seq];
  const gaps = table.dataset.all ? "" : " Entries between them that are not shown here are not a part of it.";
  told.textContent = `Verified in your browser: entries ${first} to ${last}, ${rows.length} of them. The hash of each is that of the entry and of the hash before it.${gaps}`;
}

if (table && told && table.querySelector("tr[data-hash]") && globalThis.crypto?.subtle) verify();
