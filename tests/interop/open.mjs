// The steps of docs/EMERGENCY.md with npm's age-encryption:
// node open.mjs VAULT IDENTITY PASSPHRASE-FILE CLASS DOCUMENT OUT
import { readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Decrypter } from "age-encryption";

const [vault, identityFile, passFile, cls, id, out] = process.argv.slice(2);

function keysIn(text) {
  return text.split("\n").filter((line) => line.startsWith("AGE-SECRET-KEY-"));
}

async function withPassphrase(file, words) {
  const decrypter = new Decrypter();
  decrypter.addPassphrase(words);
  return decrypter.decrypt(await readFile(file), "text");
}

async function withKeys(file, keys, format) {
  const decrypter = new Decrypter();
  for (const key of keys) decrypter.addIdentity(key);
  return decrypter.decrypt(await readFile(file), format);
}

const words = (await readFile(passFile, "utf8")).replace(/\n$/, "").normalize("NFC");
const mine = keysIn(await withPassphrase(identityFile, words));
if (mine.length !== 1) throw new Error(`the identity file has ${mine.length} keys`);

const folder = join(vault, "keys", cls, "1");
const [key] = await readdir(folder);
const classKeys = keysIn(await withKeys(join(folder, key), mine, "text"));
const document = join(vault, "documents", id.slice(0, 2), `${id}.age`);
await writeFile(out, await withKeys(document, classKeys, "uint8array"));
