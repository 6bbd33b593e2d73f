// The licences of the packages that a bundle contains, as their packages give them.
import { existsSync, readdirSync, readFileSync } from "node:fs";

const RULE = "-".repeat(80);

/** Make the text of LICENSES.txt from what esbuild says that it has put into the bundles. */
export function collectLicences(metafile) {
  const used = Object.values(metafile.outputs).flatMap((output) =>
    Object.entries(output.inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([path]) => path),
  );
  const folders = new Set(used.map(findFolder).filter(Boolean));
  const parts = [...folders].sort().map(describe);
  return ["The scripts of the pages contain these packages.", "", ...parts].join("\n");
}

/** The folder of the package that a file belongs to; nothing for our own files. */
function findFolder(path) {
  return /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path)?.[0];
}

function describe(folder) {
  const about = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
  return `${RULE}\n${about.name} ${about.version} (${(about.license ?? "licence below").replace(/^\((.*)\)$/, "$1")})\n${RULE}\n\n${readLicence(folder, about).trim()}\n`;
}

function readLicence(folder, { name }) {
  const file = readdirSync(folder).sort().find((each) => /^(licen[cs]e|copying)/i.test(each));
  if (file) return readFileSync(`${folder}/${file}`, "utf8").replaceAll("\r\n", "\n");
  // a package without its licence's text: that of its repository, kept here
  const kept = `licences/${name.replace("/", "__")}.txt`;
  if (existsSync(kept)) return readFileSync(kept, "utf8");
  throw new Error(`${name} has no text of its licence: put that of its repository into ${kept}`);
}
