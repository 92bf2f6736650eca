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
