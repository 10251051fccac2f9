// Opens one document: the steps of docs/EMERGENCY.md with npm's age-encryption. The passphrase comes on standard input.
import { readFile, writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { Decrypter } from "age-encryption";

const { IDENTITY, VAULT, MEMBER, CLASS, DOCUMENT, OUT } = process.env;

async function open(file, key, format) {
  const decrypter = new Decrypter();
  if (key.passphrase) decrypter.addPassphrase(key.passphrase);
  else decrypter.addIdentity(key.identity);
  return decrypter.decrypt(await readFile(file), format);
}

function keyIn(text) {
  return { identity: text.split("\n").find((line) => line.startsWith("AGE-SECRET-KEY-")) };
}

console.error("Passphrase:");
const lines = createInterface({ input: process.stdin });
const passphrase = (await lines[Symbol.asyncIterator]().next()).value.normalize("NFC");
lines.close();

const member = keyIn(await open(IDENTITY, { passphrase }, "text"));
const classKey = keyIn(await open(`${VAULT}/keys/${CLASS}/1/${MEMBER}.age`, member, "text"));
const document = `${VAULT}/documents/${DOCUMENT.slice(0, 2)}/${DOCUMENT}.age`;
await writeFile(OUT, await open(document, classKey, "uint8array"), { mode: 0o600 });
