// Bundles the scripts of the pages into ../static/built, each with the licences of what it contains.
// Everything comes from package-lock.json: the same lock file gives the same bytes.
import { build } from "esbuild";

await build({
  entryPoints: { page: "page.ts", overview: "overview.ts" },
  outdir: "../static/built",
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  charset: "utf8",
  legalComments: "linked",
});
