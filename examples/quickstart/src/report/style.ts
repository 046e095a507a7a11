/** The page's style: light, one column of cards, two where there is room. Fonts are the reader's own. */
export const STYLE = `
:root { color-scheme: light; --ink: #20252e; --soft: #5d6675; --line: #e3e6eb; --paper: #fff; --accent: #2f6fb3; --wrong: #b4540a; }
* { box-sizing: border-box; }
body { margin: 0; background: #f4f5f7; color: var(--ink); font: 16px/1.5 system-ui, "Segoe UI", "Liberation Sans", Arial, sans-serif; }
main { max-width: 1160px; margin: 0 auto; padding: 40px 24px 56px; }
h1 { margin: 0; font-size: 2.1rem; line-height: 1.2; letter-spacing: -0.01em; }
h2 { margin: 0 0 4px; font-size: 1.2rem; }
.lead { margin: 6px 0 26px; color: var(--soft); font-size: 1.05rem; }
.note { margin: 0 0 16px; color: var(--soft); max-width: 88ch; }
section { background: var(--paper); border: 1px solid var(--line); border-radius: 10px; padding: 22px 24px; margin-bottom: 20px; break-inside: avoid; }
.headline { display: grid; grid-template-columns: repeat(auto-fit, minmax(175px, 1fr)); gap: 14px; margin-bottom: 20px; }
.headline div { background: var(--paper); border: 1px solid var(--line); border-radius: 10px; padding: 16px 20px; }
.headline b { display: block; font-size: 1.75rem; line-height: 1.25; font-weight: 650; letter-spacing: -0.01em; }
.headline div:first-child { background: var(--accent); border-color: var(--accent); color: #fff; }
.headline div:first-child small { color: #e4effa; }
.headline span { display: block; }
small { color: var(--soft); font-size: 0.86rem; }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 430px), 1fr)); gap: 20px 32px; }
.columns > * { min-width: 0; }
figure { margin: 0; }
svg { display: block; width: 100%; height: auto; margin: 0 auto; }
.matrix { display: grid; grid-template-columns: minmax(0, 3fr) minmax(250px, 2fr); gap: 20px 40px; align-items: center; }
@media (max-width: 820px) { .matrix { grid-template-columns: minmax(0, 1fr); } }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 5px 10px 5px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 500; color: var(--soft); }
thead th { font-size: 0.9rem; }
tbody tr:last-child > * { border-bottom: 0; }
.numbers td, .numbers th:not(:first-child) { text-align: right; padding-right: 0; padding-left: 10px; }
.numbers th[scope="row"] { color: var(--ink); }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(158px, 1fr)); gap: 16px; }
.pictures.wide { grid-template-columns: repeat(auto-fill, minmax(212px, 1fr)); }
.pictures figure { border: 1px solid var(--line); border-radius: 8px; padding: 12px; }
.pictures img { display: block; margin: 0 auto 10px; border: 1px solid var(--line); width: 96px; height: 96px; }
.pictures figcaption { font-size: 0.85rem; line-height: 1.45; color: var(--soft); }
.pictures figcaption div { display: flex; gap: 0.4em; }
.pictures figcaption b { color: var(--ink); }
.pictures figcaption span { margin-left: auto; font-variant-numeric: tabular-nums; }
.pictures .wrong div:last-child b { color: var(--wrong); }
details { margin-top: 14px; }
summary { cursor: pointer; color: var(--accent); }
h3 { margin: 22px 0 10px; font-size: 1rem; }
pre { margin: 0; overflow-x: auto; font: 13.5px/1.5 ui-monospace, "Liberation Mono", Consolas, monospace; background: #f7f8fa; border: 1px solid var(--line); border-radius: 8px; padding: 14px 16px; }
footer { color: var(--soft); font-size: 0.9rem; }
@media print { body { background: #fff; } main { padding: 0; } }
`;
