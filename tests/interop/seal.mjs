// Encrypts a file to a key of ours with npm's age-encryption: node seal.mjs RECIPIENT FILE OUT
import { readFile, writeFile } from "node:fs/promises";
import { Encrypter } from "age-encryption";

const [recipient, file, out] = process.argv.slice(2);
const encrypter = new Encrypter();
encrypter.addRecipient(recipient);
await writeFile(out, await encrypter.encrypt(await readFile(file)));
