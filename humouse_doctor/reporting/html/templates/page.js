(function () {
  "use strict";
  var status = document.getElementById("copy-status");
  function told(button, text) {
    var before = button.dataset.label;
    button.textContent = text;
    status.textContent = text;
    window.setTimeout(function () { button.textContent = before; status.textContent = ""; }, 4000);
  }
  function select(source) {
    var range = document.createRange();
    range.selectNodeContents(source);
    var selection = window.getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
  }
  function byHand(button, source) {
    select(source);
    var done = false;
    try { done = document.execCommand("copy"); } catch (error) { done = false; }
    told(button, done ? "Copied" : "Selected: press Ctrl+C");
  }
  function unfold() {
    var target = document.getElementById(window.location.hash.slice(1));
    for (var part = target; part; part = part.parentElement) { if (part.tagName === "DETAILS") { part.open = true; } }
    if (target) { target.scrollIntoView(); }
  }
  window.addEventListener("hashchange", unfold);
  if (window.location.hash) { unfold(); }
  document.querySelectorAll("button[data-copies]").forEach(function (button) {
    var source = document.getElementById(button.dataset.copies);
    button.dataset.label = button.textContent;
    button.hidden = false;
    button.addEventListener("click", function () {
      if (!navigator.clipboard) { byHand(button, source); return; }
      navigator.clipboard.writeText(source.textContent).then(
        function () { told(button, "Copied"); },
        function () { byHand(button, source); }
      );
    });
  });
})();
