// Light or dark as the person chose in Cockpit's shell, which keeps the choice in localStorage and tells its frames; without a
// choice, as the system is. The class is PatternFly's, in the names of its versions 4 to 6.

const CHOICE = 'shell:style';
const CLASSES = ['pf-theme-dark', 'pf-v5-theme-dark', 'pf-v6-theme-dark'];

export function followTheme(): void {
  const system = matchMedia('(prefers-color-scheme: dark)');
  const settle = (chosen = localStorage.getItem(CHOICE) ?? 'auto'): void => {
    const dark = chosen === 'dark' || (chosen === 'auto' && system.matches);
    for (const name of CLASSES) document.documentElement.classList.toggle(name, dark);
  };
  settle();
  system.addEventListener('change', () => {
    settle();
  });
  addEventListener('storage', ({ key }) => {
    if (key === CHOICE) settle();
  });
  // Of the shell, to frames of the same window.
  addEventListener('cockpit-style', (event) => {
    const { style } = (event as CustomEvent<{ style?: unknown }>).detail;
    settle(typeof style === 'string' ? style : undefined);
  });
}
