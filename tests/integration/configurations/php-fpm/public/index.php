<?php
$text = "one";
echo $text;
