// Bundles the scripts of the pages into ../static/built, with the licences of what they contain.
// Everything comes from package-lock.json: the same lock file gives the same bytes.
import { writeFileSync } from "node:fs";
import { build } from "esbuild";
import { collectLicences } from "./licences.mjs";

const OUT = "../static/built";

const { metafile } = await build({
  entryPoints: { page: "page.ts", overview: "overview.ts", review: "review.ts" },
  outdir: OUT,
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  metafile: true,
});
writeFileSync(`${OUT}/LICENSES.txt`, collectLicences(metafile));
